//! Rounds: each starts a world, injects overlapping faults, waits for quiescence and checks the result.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use chassis::db::Engine;
use testkit::poll_until;
use tokio::time::{Instant, sleep_until};

use super::broker::Broker;
use super::faults::ActiveFault;
use super::kinds::{FaultKind, FaultTarget, all, choose};
use super::world::{World, WorldShape};
use crate::checker::{Finding, Run, check};
use crate::history::HistoryEntry;
use crate::seeded::SeededRandom;

/// Within this time everything that can happen does happen, when it is tried again and again.
const FAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The time to wait for progress before the next fault is injected anyway.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(8);
const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// The totals of rounds.
#[derive(Clone, Debug, Default)]
pub struct RoundTotals {
    /// The number of faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Changes that were acknowledged.
    pub acknowledged: u64,
    /// Changes that were committed, acknowledged or not.
    pub committed: u64,
    /// Changes that were rolled back on purpose.
    pub rolled_back: u64,
    /// Events that a transport confirmed, repetitions too.
    pub sent: u64,
    /// Effects at the follower.
    pub applied: u64,
    /// Of these, states of a snapshot.
    pub snapshots: u64,
    /// The longest time from the last fault to rest.
    pub longest_rest: Duration,
    /// The violations, with the seed of the round.
    pub findings: Vec<(u64, String)>,
}

/// Many rounds on one broker.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// The seed of the first round; that of each further one is one more.
    pub seed: u64,
    /// Faults in all.
    pub faults: u64,
    /// Faults in a round, at most.
    pub per_round: u64,
    /// One engine only.
    pub engine: Option<Engine>,
}

impl Campaign {
    /// Plays all rounds, on SQLite and PostgreSQL in turns; stops at the first that goes wrong. `say` is told after
    /// each.
    ///
    /// # Errors
    /// When a world cannot be started or looked at.
    pub async fn run(
        &self,
        broker: &Broker,
        mut say: impl FnMut(&RoundTotals),
    ) -> anyhow::Result<RoundTotals> {
        let mut tally = RoundTotals::default();
        let mut seed = self.seed;
        while tally.count() < self.faults && tally.findings.is_empty() {
            let turn = if seed.is_multiple_of(2) {
                Engine::Sqlite
            } else {
                Engine::Postgres
            };
            let faults = self.per_round.min(self.faults - tally.count());
            let shape = WorldShape::on(self.engine.unwrap_or(turn), seed);
            tally.add(round(shape, broker, faults).await?);
            say(&tally);
            seed += 1;
        }
        Ok(tally)
    }
}

/// One round: injects `faults` overlapping faults into a new world.
///
/// # Errors
/// When the world cannot be started or looked at.
pub async fn round(shape: WorldShape, broker: &Broker, faults: u64) -> anyhow::Result<RoundTotals> {
    let mut world = World::start(shape, broker).await?;
    let mut tally = RoundTotals::default();
    inject_faults(&mut world, faults, &mut tally).await?;
    settle_and_check(world, tally).await
}

/// Injects every possible fault once, one after the other.
///
/// # Errors
/// When the world cannot be started or looked at, or something does not come to happen.
pub async fn each_once(shape: WorldShape, broker: &Broker) -> anyhow::Result<RoundTotals> {
    let mut world = World::start(shape, broker).await?;
    let mut tally = RoundTotals::default();
    let mut random = SeededRandom::new(shape.seed).part(3);
    for (kind, target) in all(shape.engine, broker.transport(), shape.replicas) {
        let mut replicas = (0..shape.replicas).cycle();
        // A worker that has just started does not take orders yet; one that has nothing to publish cannot die of it.
        let came = poll_until(FAULT_TIMEOUT, async || {
            // Of the replicas that follow RabbitMQ one is at work, and it is not known which.
            let target = match target {
                FaultTarget::Process(role, which) if matches!(kind, FaultKind::Die(_)) => {
                    FaultTarget::Process(role, replicas.next().unwrap_or(which))
                }
                other => other,
            };
            inject_and_recover(&mut world, kind, target, &mut random)
                .await
                .transpose()
        });
        came.await
            .with_context(|| format!("it does not come to this: {}", kind.name()))??;
        *tally.faults.entry(kind.name()).or_default() += 1;
    }
    settle_and_check(world, tally).await
}

/// Injects `kind` into `target` and recovers. Returns nothing when the fault could not occur.
async fn inject_and_recover(
    world: &mut World<'_>,
    kind: FaultKind,
    target: FaultTarget,
    random: &mut SeededRandom,
) -> anyhow::Result<Option<()>> {
    world.supervise(&[]);
    let Some(active) = world.inject(kind, target, random).await? else {
        return Ok(None);
    };
    sleep_until(active.until).await;
    Ok(world.recover(active).await?.then_some(()))
}

/// Waits for quiescence and checks the run.
async fn settle_and_check(mut world: World<'_>, mut tally: RoundTotals) -> anyhow::Result<RoundTotals> {
    let shape = world.shape;
    let rest = world.settle().await?;
    let run = world.run().await?;
    tally.note(&run);
    match rest {
        Some(rest) => tally.longest_rest = rest,
        None => tally
            .findings
            .push((shape.seed, format!("no rest: {}", world.unfinished_work().await?))),
    }
    let findings = check(&run);
    tally.findings.extend(
        findings
            .iter()
            .map(|finding: &Finding| (shape.seed, finding.to_string())),
    );
    if !tally.findings.is_empty() {
        let kept = world.keep_files();
        tally.findings.push((
            shape.seed,
            format!("what there was is kept in {}", kept.display()),
        ));
    }
    Ok(tally)
}

/// Injects overlapping faults until the given number has occurred.
async fn inject_faults(world: &mut World<'_>, faults: u64, tally: &mut RoundTotals) -> anyhow::Result<()> {
    let mut random = SeededRandom::new(world.shape.seed).part(2);
    let mut now: Vec<ActiveFault> = Vec::new();
    let mut next = Instant::now();
    let mut begun = 0;
    let mut pace = FaultPacing::default();
    while tally.count() < faults || !now.is_empty() {
        let due = now.iter().map(|active| active.until).min();
        let more = tally.count() + now.len() as u64 >= faults;
        match due {
            Some(due) if more || due <= next => {
                sleep_until(due).await;
                let Some(index) = now.iter().position(|active| active.until == due) else {
                    continue;
                };
                let active = now.swap_remove(index);
                let kind = active.kind;
                if world.recover(active).await? {
                    *tally.faults.entry(kind.name()).or_default() += 1;
                }
            }
            _ => {
                sleep_until(next).await;
                next = Instant::now() + POLL_INTERVAL;
                world.supervise(&now);
                if !pace.allows_next(world).await? {
                    continue;
                }
                next = Instant::now() + Duration::from_millis(random.between(20, 300));
                let transport = world.broker.transport();
                let (kind, target) = choose(&mut random, world.shape.engine, transport, world.shape.replicas);
                if now.iter().any(|active| active.target == target) {
                    continue;
                }
                let mut own = random.part(begun);
                begun += 1;
                now.extend(world.inject(kind, target, &mut own).await?);
                // Now and then troubles come in a row.
                pace.after(world, random.chance(70)).await?;
            }
        }
    }
    Ok(())
}

/// Most things happen to services that work: between two of them something has to arrive.
#[derive(Debug, Default)]
struct FaultPacing {
    /// The last effect when something happened last, and when that was; nothing: the next thing may happen at once.
    seen: Option<(i64, Instant)>,
}

impl FaultPacing {
    async fn allows_next(&self, world: &World<'_>) -> anyhow::Result<bool> {
        let Some((seen, since)) = self.seen else {
            return Ok(true);
        };
        Ok(since.elapsed() > PROGRESS_TIMEOUT || world.progress().await? > seen)
    }

    async fn after(&mut self, world: &World<'_>, waits: bool) -> anyhow::Result<()> {
        self.seen = if waits {
            Some((world.progress().await?, Instant::now()))
        } else {
            None
        };
        Ok(())
    }
}

impl RoundTotals {
    /// The number of faults that occurred.
    pub fn count(&self) -> u64 {
        self.faults.values().sum()
    }

    fn note(&mut self, run: &Run) {
        let published: std::collections::HashSet<_> =
            run.committed.iter().map(|change| change.event).collect();
        self.committed = run.committed.len() as u64;
        self.applied = run.applied.len() as u64;
        let leaps = run
            .applied
            .iter()
            .filter(|change| !published.contains(&change.event));
        self.snapshots = leaps.count() as u64;
        for entry in &run.history {
            match entry {
                HistoryEntry::Acknowledged { .. } => self.acknowledged += 1,
                HistoryEntry::RolledBack { .. } => self.rolled_back += 1,
                HistoryEntry::Sent { count } => self.sent += count,
                HistoryEntry::Intent { .. } | HistoryEntry::Died { .. } => {}
            }
        }
    }

    /// Adds what others came to.
    pub fn add(&mut self, other: Self) {
        for (name, count) in other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.committed += other.committed;
        self.rolled_back += other.rolled_back;
        self.sent += other.sent;
        self.applied += other.applied;
        self.snapshots += other.snapshots;
        self.longest_rest = self.longest_rest.max(other.longest_rest);
        self.findings.extend(other.findings);
    }
}

//! Having something happen, and putting it right again.

use std::time::Duration;

use anyhow::Context as _;
use chassis::db::{Db, Tx};
use rustix::process::Signal;
use tokio::time::Instant;

use super::kinds::{Kind, Target};
use super::side::Replica;
use super::world::World;
use crate::seeded::Seeded;
use crate::settings::Role;
use testkit::{FaultProxy, poll_until};

/// How long a worker may take to end when it is asked to.
const ENDS: Duration = Duration::from_secs(3);

/// Something that happens now.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) kind: Kind,
    pub(super) target: Target,
    pub(super) until: Instant,
    /// Holds the lock of a file.
    lock: Option<Tx>,
}

impl World<'_> {
    /// Has `kind` happen to `target`. Nothing, when that cannot be now, such as when the process is not at work.
    pub(super) async fn strike(
        &mut self,
        kind: Kind,
        target: Target,
        random: &mut Seeded,
    ) -> anyhow::Result<Option<Active>> {
        let lasts = Duration::from_millis(kind.lasts(random));
        let mut lock = None;
        let struck = match target {
            Target::Process(role, which) => self.strike_process(kind, role, which).await?,
            Target::Database(role, which) => self.strike_database(kind, role, which)?,
            Target::Server(role) => self.strike_server(kind, role, &mut lock).await?,
            Target::Clock(role, which) => {
                let skew = if random.chance(50) { 300 } else { -300 };
                let http = self.http.clone();
                self.replica(role, which)?
                    .order(&http, &format!("clock/{skew}"))
                    .await
            }
            Target::Feed(_) | Target::Broker => {
                self.strike_line(kind, target, random).await;
                true
            }
            Target::Handlers => {
                std::fs::write(self.folder.path().join("poison"), "")?;
                true
            }
        };
        Ok(struck.then(|| Active {
            kind,
            target,
            until: Instant::now() + lasts,
            lock,
        }))
    }

    async fn strike_process(&mut self, kind: Kind, role: Role, which: usize) -> anyhow::Result<bool> {
        let http = self.http.clone();
        let replica = self.replica(role, which)?;
        if !replica.process.is_running() {
            return Ok(false);
        }
        match kind {
            Kind::Die(point) => return Ok(replica.order(&http, &format!("arm/{}", point.name())).await),
            Kind::Pause => replica.signal(Signal::STOP),
            Kind::Upgrade => {
                replica.release(role == Role::Source && !replica.newer())?;
                replica.signal(Signal::TERM);
            }
            _ => replica.process.kill(),
        }
        Ok(true)
    }

    fn strike_database(&mut self, kind: Kind, role: Role, which: usize) -> anyhow::Result<bool> {
        let replica = self.replica(role, which)?;
        match (kind, &replica.line) {
            (Kind::DiskFull, _) => {
                let runs = replica.process.is_running();
                replica.fill_disk(true)?;
                return Ok(runs);
            }
            (Kind::DatabaseHeld, Some(line)) => line.hold(),
            (Kind::DatabaseReset, Some(line)) => line.reset(),
            (_, Some(line)) => line.cut(),
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    async fn strike_server(&mut self, kind: Kind, role: Role, lock: &mut Option<Tx>) -> anyhow::Result<bool> {
        let db: &Db = &self.side(role).database;
        match (kind, db) {
            (Kind::DatabaseLocked, _) => match db.begin("fault").await {
                Ok(tx) => *lock = Some(tx),
                Err(_) => return Ok(false),
            },
            (Kind::DiskFull, Db::Postgres(pool)) => {
                sqlx::query("UPDATE disk SET full_now = true")
                    .execute(pool.pool())
                    .await?;
            }
            (_, Db::Postgres(pool)) => {
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'faults'",
                )
                .execute(pool.pool())
                .await?;
            }
            (_, Db::Sqlite { .. }) => return Ok(false),
        }
        Ok(true)
    }

    async fn strike_line(&self, kind: Kind, target: Target, random: &mut Seeded) {
        let Some(line) = self.line(target) else { return };
        match kind {
            Kind::LineHeld => line.hold(),
            Kind::LineReset => line.reset(),
            Kind::ConfirmsLost => line.drop_responses(),
            Kind::LineSlow => line.delay(Duration::from_millis(random.between(5, 60))),
            Kind::BrokerKilled => self.broker.kill().await,
            _ => line.cut(),
        }
    }

    /// Puts right what happened. Answers whether it did happen: a worker that was told to die at some point may never
    /// have come there.
    pub(super) async fn heal(&mut self, active: Active) -> anyhow::Result<bool> {
        let Active {
            kind, target, lock, ..
        } = active;
        drop(lock);
        match target {
            Target::Process(role, which) => return self.heal_process(kind, role, which).await,
            Target::Database(role, which) => {
                let replica = self.replica(role, which)?;
                match &replica.line {
                    Some(line) => line.restore(),
                    None => replica.fill_disk(false)?,
                }
            }
            Target::Server(role) => {
                if let Db::Postgres(pool) = &*self.side(role).database {
                    sqlx::query("UPDATE disk SET full_now = false")
                        .execute(pool.pool())
                        .await?;
                }
            }
            Target::Clock(role, which) => {
                let http = self.http.clone();
                let replica = self.replica(role, which)?;
                // A process that was started since has the right time.
                replica.order(&http, "clock/0").await;
            }
            Target::Feed(_) | Target::Broker => {
                if kind == Kind::BrokerKilled {
                    self.broker.start_again().await;
                } else if let Some(line) = self.line(target) {
                    line.restore();
                }
            }
            Target::Handlers => std::fs::remove_file(self.folder.path().join("poison"))?,
        }
        Ok(true)
    }

    async fn heal_process(&mut self, kind: Kind, role: Role, which: usize) -> anyhow::Result<bool> {
        let http = self.http.clone();
        let replica = self.replica(role, which)?;
        let happened = match kind {
            Kind::Die(_) => {
                let mut died = !replica.process.is_running();
                if !died && !replica.order(&http, "arm/none").await {
                    // It did not answer: it died just now, or it hangs at a database that is away. Both end here.
                    died = !replica.process.is_running();
                    replica.process.kill();
                }
                died
            }
            Kind::Pause => {
                replica.signal(Signal::CONT);
                true
            }
            Kind::Upgrade => {
                // Whoever is slow to end, because everything around it hangs, is killed, as any supervisor would do.
                poll_until(ENDS, async || (!replica.process.is_running()).then_some(())).await;
                replica.process.kill();
                true
            }
            _ => true,
        };
        replica.revive();
        Ok(happened)
    }

    /// What a supervisor does: starts again what has ended, such as a worker that found no database at its start. Not
    /// those to whom something is happening.
    pub(super) fn supervise(&mut self, now: &[Active]) {
        for role in [Role::Source, Role::Follower] {
            for (number, replica) in self.side(role).replicas.iter_mut().enumerate() {
                if !now
                    .iter()
                    .any(|active| active.target == Target::Process(role, number))
                {
                    replica.revive();
                }
            }
        }
    }

    pub(super) fn replica(&mut self, role: Role, which: usize) -> anyhow::Result<&mut Replica> {
        self.side(role).replicas.get_mut(which).context("a replica")
    }

    fn line(&self, target: Target) -> Option<&FaultProxy> {
        match target {
            Target::Feed(which) => self.feeds.get(which),
            _ => self.broker.line(),
        }
    }
}

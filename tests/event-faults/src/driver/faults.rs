//! The injection of a fault, and the recovery from it.

use std::time::Duration;

use anyhow::Context as _;
use chassis::db::{Db, Tx};
use rustix::process::Signal;
use tokio::time::Instant;

use super::kinds::{FaultKind, FaultTarget};
use super::side::Replica;
use super::world::World;
use crate::seeded::SeededRandom;
use crate::settings::Role;
use testkit::{FaultProxy, poll_until};

/// The time that a worker may take to end.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(3);

/// A fault that is active now.
#[derive(Debug)]
pub(super) struct ActiveFault {
    pub(super) kind: FaultKind,
    pub(super) target: FaultTarget,
    pub(super) until: Instant,
    /// Holds the lock of a file.
    lock: Option<Tx>,
}

impl World<'_> {
    /// Injects `kind` into `target`. Returns nothing when that is not possible now, for example because the process does
    /// not run.
    pub(super) async fn inject(
        &mut self,
        kind: FaultKind,
        target: FaultTarget,
        random: &mut SeededRandom,
    ) -> anyhow::Result<Option<ActiveFault>> {
        let lasts = Duration::from_millis(kind.duration_ms(random));
        let mut lock = None;
        let struck = match target {
            FaultTarget::Process(role, which) => self.inject_process_fault(kind, role, which).await?,
            FaultTarget::Database(role, which) => self.inject_database_fault(kind, role, which)?,
            FaultTarget::Server(role) => self.inject_server_fault(kind, role, &mut lock).await?,
            FaultTarget::Clock(role, which) => {
                let skew = if random.chance(50) { 300 } else { -300 };
                let http = self.http.clone();
                self.replica(role, which)?
                    .send_command(&http, &format!("clock/{skew}"))
                    .await
            }
            FaultTarget::Feed(_) | FaultTarget::Broker => {
                self.inject_network_fault(kind, target, random).await;
                true
            }
            FaultTarget::Handlers => {
                std::fs::write(self.folder.path().join("poison"), "")?;
                true
            }
        };
        Ok(struck.then(|| ActiveFault {
            kind,
            target,
            until: Instant::now() + lasts,
            lock,
        }))
    }

    async fn inject_process_fault(
        &mut self,
        kind: FaultKind,
        role: Role,
        which: usize,
    ) -> anyhow::Result<bool> {
        let http = self.http.clone();
        let replica = self.replica(role, which)?;
        if !replica.process.is_running() {
            return Ok(false);
        }
        match kind {
            FaultKind::Die(point) => {
                return Ok(replica
                    .send_command(&http, &format!("arm/{}", point.name()))
                    .await);
            }
            FaultKind::Pause => replica.signal(Signal::STOP),
            FaultKind::Upgrade => {
                replica.set_release(role == Role::Source && !replica.newer())?;
                replica.signal(Signal::TERM);
            }
            _ => replica.process.kill(),
        }
        Ok(true)
    }

    fn inject_database_fault(&mut self, kind: FaultKind, role: Role, which: usize) -> anyhow::Result<bool> {
        let replica = self.replica(role, which)?;
        match (kind, &replica.line) {
            (FaultKind::DiskFull, _) => {
                let runs = replica.process.is_running();
                replica.fill_disk(true)?;
                return Ok(runs);
            }
            (FaultKind::DatabaseHeld, Some(line)) => line.hold(),
            (FaultKind::DatabaseReset, Some(line)) => line.reset(),
            (_, Some(line)) => line.cut(),
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    async fn inject_server_fault(
        &mut self,
        kind: FaultKind,
        role: Role,
        lock: &mut Option<Tx>,
    ) -> anyhow::Result<bool> {
        let db: &Db = &self.side(role).database;
        match (kind, db) {
            (FaultKind::DatabaseLocked, _) => match db.begin("fault").await {
                Ok(tx) => *lock = Some(tx),
                Err(_) => return Ok(false),
            },
            (FaultKind::DiskFull, Db::Postgres(pool)) => {
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

    async fn inject_network_fault(&self, kind: FaultKind, target: FaultTarget, random: &mut SeededRandom) {
        let Some(line) = self.line(target) else { return };
        match kind {
            FaultKind::LineHeld => line.hold(),
            FaultKind::LineReset => line.reset(),
            FaultKind::ConfirmsLost => line.drop_responses(),
            FaultKind::LineSlow => line.delay(Duration::from_millis(random.between(5, 60))),
            FaultKind::BrokerKilled => self.broker.kill().await,
            _ => line.cut(),
        }
    }

    /// Puts right what happened. Answers whether it did happen: a worker that was told to die at some point may never
    /// have come there.
    pub(super) async fn recover(&mut self, active: ActiveFault) -> anyhow::Result<bool> {
        let ActiveFault {
            kind, target, lock, ..
        } = active;
        drop(lock);
        match target {
            FaultTarget::Process(role, which) => return self.recover_process(kind, role, which).await,
            FaultTarget::Database(role, which) => {
                let replica = self.replica(role, which)?;
                match &replica.line {
                    Some(line) => line.restore(),
                    None => replica.fill_disk(false)?,
                }
            }
            FaultTarget::Server(role) => {
                if let Db::Postgres(pool) = &*self.side(role).database {
                    sqlx::query("UPDATE disk SET full_now = false")
                        .execute(pool.pool())
                        .await?;
                }
            }
            FaultTarget::Clock(role, which) => {
                let http = self.http.clone();
                let replica = self.replica(role, which)?;
                // A process that was started since has the right time.
                replica.send_command(&http, "clock/0").await;
            }
            FaultTarget::Feed(_) | FaultTarget::Broker => {
                if kind == FaultKind::BrokerKilled {
                    self.broker.start_again().await;
                } else if let Some(line) = self.line(target) {
                    line.restore();
                }
            }
            FaultTarget::Handlers => std::fs::remove_file(self.folder.path().join("poison"))?,
        }
        Ok(true)
    }

    async fn recover_process(&mut self, kind: FaultKind, role: Role, which: usize) -> anyhow::Result<bool> {
        let http = self.http.clone();
        let replica = self.replica(role, which)?;
        let happened = match kind {
            FaultKind::Die(_) => {
                let mut died = !replica.process.is_running();
                if !died && !replica.send_command(&http, "arm/none").await {
                    // It did not answer: it died just now, or it hangs at a database that is away. Both end here.
                    died = !replica.process.is_running();
                    replica.process.kill();
                }
                died
            }
            FaultKind::Pause => {
                replica.signal(Signal::CONT);
                true
            }
            FaultKind::Upgrade => {
                // A worker that is slow to end, because everything around it hangs, is killed, as any supervisor would do.
                poll_until(TERMINATION_TIMEOUT, async || {
                    (!replica.process.is_running()).then_some(())
                })
                .await;
                replica.process.kill();
                true
            }
            _ => true,
        };
        replica.start_if_stopped();
        Ok(happened)
    }

    /// Starts processes that have ended, as a supervisor does, such as a worker that found no database at its
    /// start. It leaves processes alone to which something is happening.
    pub(super) fn supervise(&mut self, now: &[ActiveFault]) {
        for role in [Role::Source, Role::Follower] {
            for (number, replica) in self.side(role).replicas.iter_mut().enumerate() {
                if !now
                    .iter()
                    .any(|active| active.target == FaultTarget::Process(role, number))
                {
                    replica.start_if_stopped();
                }
            }
        }
    }

    pub(super) fn replica(&mut self, role: Role, which: usize) -> anyhow::Result<&mut Replica> {
        self.side(role).replicas.get_mut(which).context("a replica")
    }

    fn line(&self, target: FaultTarget) -> Option<&FaultProxy> {
        match target {
            FaultTarget::Feed(which) => self.feeds.get(which),
            _ => self.broker.line(),
        }
    }
}

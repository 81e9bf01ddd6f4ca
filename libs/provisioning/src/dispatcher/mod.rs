//! The dispatcher: takes in what the feed brings, and pushes what is due. Every replica runs one.

mod checks;
mod clock;
mod intake;
mod reseal;
mod sweep;

use std::collections::HashMap;
use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::{DbError, Engine};
use chassis::dispatch::{ClockWatch, Shares, begin_after};
use chassis::shutdown::Shutdown;
use tokio::task::{Id, JoinError, JoinSet};
use uuid::Uuid;

use super::Provisioning;
use super::metering::Metering;
use super::push::Job;
use super::store;
use super::store::queue::{self, Claim};

/// The longest time for which pushes under way may go on when the service ends; then others repeat them.
const PATIENCE: Duration = Duration::from_secs(3);

/// The options of a dispatcher. The defaults are for production.
#[derive(Clone, Debug)]
pub struct DispatcherOptions {
    /// The interval of the checks for due pushes when nobody wakes the dispatcher.
    pub poll: Duration,
    /// The time for which a resource belongs to the replica that claimed it; longer than a push can take.
    pub lease: Duration,
    /// Events and resources looked at in one transaction, at most.
    pub batch: i64,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(120),
            batch: 500,
        }
    }
}

/// Pushes the users and groups of a directory to its targets.
#[derive(Debug)]
pub struct Dispatcher {
    provisioning: Provisioning,
    options: DispatcherOptions,
    running: JoinSet<()>,
    claims: HashMap<Id, Claim>,
    /// The target whose pushes were started last: the others come before it.
    served: Uuid,
    metering: Metering,
    warned: bool,
    /// True if what is done once at the start is done.
    started: bool,
    clock: ClockWatch,
}

impl Dispatcher {
    /// A dispatcher of `provisioning`.
    pub fn new(provisioning: Provisioning, options: DispatcherOptions) -> Self {
        Self {
            provisioning,
            options,
            running: JoinSet::new(),
            claims: HashMap::new(),
            served: Uuid::nil(),
            metering: Metering::new(),
            warned: false,
            started: false,
            clock: ClockWatch::default(),
        }
    }

    /// Pushes until `shutdown`. What is under way then is given a moment; the rest is handed back.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut head = self.provisioning.shared.outbox.head().subscribe();
        let wake = std::sync::Arc::clone(&self.provisioning.shared.wake);
        let mut failures = Backoff::new("provisioning cannot use the database");
        while !shutdown.is_cancelled() {
            match self.run_once().await {
                Ok(more) => {
                    failures.succeeded();
                    if more {
                        continue;
                    }
                }
                Err(error) => {
                    let pause = failures.failed(&error);
                    // For nothing else: news would make it spin.
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = shutdown.cancelled() => {}
                    }
                    continue;
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.options.poll) => {}
                _ = head.changed() => {}
                () = wake.notified() => {}
                Some(ended) = self.running.join_next_with_id() => self.note_end(ended),
            }
        }
        self.hand_back().await;
    }

    /// One round: take in what is new, start what is due. Returns true if there is more to do at once.
    async fn run_once(&mut self) -> Result<bool, DbError> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.note_end(ended);
        }
        if !self.started {
            self.prepare().await?;
            self.started = true;
        }
        clock::correct(&self.provisioning, &mut self.clock, self.options.lease).await?;
        let events = intake::take_in(&self.provisioning, self.options.batch).await?;
        let swept = sweep::advance_all(&self.provisioning, self.options.batch).await?;
        self.start_due().await?;
        self.start_checks().await?;
        self.metering.measure(&self.provisioning).await?;
        Ok(events || swept)
    }

    /// Encrypts the credentials under the active key. A SQLite file belongs to one process: the claims in it are those of its
    /// predecessor, and end.
    async fn prepare(&self) -> Result<(), DbError> {
        reseal::reseal(&self.provisioning).await?;
        let db = &self.provisioning.shared.db;
        if db.engine() == Engine::Sqlite {
            let mut tx = db.begin("provisioning_release").await?;
            queue::release_all(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Starts what is due, as far as there is room. A target that is slow fills its own share and no more, and the target
    /// that was served last waits for the others.
    async fn start_due(&mut self) -> Result<(), DbError> {
        let config = &self.provisioning.shared.config;
        let overall = usize::from(config.pushes.get());
        let each = usize::from(config.pushes_per_target.get());
        let now = self.provisioning.now();
        let mut reader = self.provisioning.shared.db.reader().await?;
        let held = chassis::db::clock(&mut reader).await?;
        let mut due = queue::targets_due(&mut reader, (now, held)).await?;
        drop(reader);
        due.retain(|target| !self.provisioning.shared.health.rests(*target));
        if due.is_empty() {
            return Ok(());
        }
        if self.provisioning.shared.cipher.is_none() {
            self.warn_once();
            return Ok(());
        }
        let shares = Shares::new(overall, each, due.len());
        begin_after(&mut due, self.served);
        for target in due {
            let busy = self
                .claims
                .values()
                .filter(|claim| claim.target == target)
                .count();
            let room = shares.room(busy, self.claims.len());
            if room > 0 {
                self.start(target, room).await?;
            }
        }
        Ok(())
    }

    /// Starts up to `room` pushes to `target`.
    async fn start(&mut self, target: Uuid, room: usize) -> Result<(), DbError> {
        for job in self.claim(target, room).await? {
            let claim = job.claim;
            let task = self.running.spawn(job.run());
            self.claims.insert(task.id(), claim);
            self.served = target;
        }
        Ok(())
    }

    /// Claims up to `room` resources of `target` for this replica.
    async fn claim(&self, target: Uuid, room: usize) -> Result<Vec<Job>, DbError> {
        let db = &self.provisioning.shared.db;
        let now = self.provisioning.now();
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let mut reader = db.reader().await?;
        let held = chassis::db::clock(&mut reader).await?;
        let mut due = queue::due(&mut reader, target, (now, held), limit).await?;
        let stored = store::find(&mut reader, target).await?;
        drop(reader);
        let Some(stored) = stored.filter(|stored| stored.may_be_called(now)) else {
            return Ok(Vec::new());
        };
        if due.is_empty() {
            return Ok(Vec::new());
        }
        // In the order in which every transaction locks resources.
        due.sort_unstable_by_key(|due| due.resource_id);
        let claimed = tokio::time::Instant::now();
        let mut tx = db.begin("provisioning_claim").await?;
        let held = chassis::db::clock(&mut tx).await?;
        let mut jobs = Vec::new();
        for due in due {
            let until = held + self.options.lease;
            if let Some(claim) = queue::claim(&mut tx, target, &due, held, until).await? {
                jobs.push(Job {
                    provisioning: self.provisioning.clone(),
                    target: stored.clone(),
                    claim,
                    due,
                    claimed,
                });
            }
        }
        tx.commit().await?;
        Ok(jobs)
    }

    fn note_end(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "push to a target failed: repeated when its lease expires");
                error.id()
            }
        };
        self.claims.remove(&id);
    }

    fn warn_once(&mut self) {
        if !self.warned {
            tracing::error!(
                "provisioning paused: its credentials cannot be read without [encryption] in the configuration"
            );
            self.warned = true;
        }
    }

    /// Waits a moment for what is under way, and gives the rest back so that others push it at once.
    async fn hand_back(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, self.running.join_next_with_id()).await
        {
            self.note_end(ended);
        }
        self.running.shutdown().await;
        for claim in std::mem::take(&mut self.claims).into_values() {
            let released = async {
                let mut tx = self.provisioning.shared.db.begin("provisioning_release").await?;
                queue::release(&mut tx, claim, None).await?;
                tx.commit().await
            };
            if let Err(error) = released.await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "push not released: its lease expires by itself"
                );
            }
        }
    }
}

#[cfg(test)]
impl Dispatcher {
    /// Pushes everything that is due now, and waits for the ends.
    pub(super) async fn push_due(&mut self) {
        loop {
            let more = self.run_once().await.unwrap();
            let started = self.claims.len();
            while let Some(ended) = self.running.join_next_with_id().await {
                self.note_end(ended);
            }
            if started == 0 && !more {
                return;
            }
        }
    }

    /// Marks what the feed brings.
    pub(super) async fn take_in(&mut self) {
        while intake::take_in(&self.provisioning, self.options.batch)
            .await
            .unwrap()
            || sweep::advance_all(&self.provisioning, self.options.batch)
                .await
                .unwrap()
        {}
    }

    /// Claims one resource of `target`, as a replica that then dies.
    pub(super) async fn claim_one(&self, target: Uuid) -> Option<Job> {
        self.claim(target, 1).await.unwrap().pop()
    }
}

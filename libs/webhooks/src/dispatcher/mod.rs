//! The dispatcher: takes what the feed brings, and sends what is due. Every replica runs one.

mod clock;
mod intake;
mod send;

use std::collections::HashMap;
use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::DbError;
use chassis::dispatch::{ClockWatch, Shares, begin_after};
use chassis::shutdown::Shutdown;
use tokio::task::{Id, JoinSet};
use uuid::Uuid;

use super::housekeeping::{self, Housekeeping};
use super::metering::Metering;
use super::store::queue::{self, Claim};
use super::{WebhookError, Webhooks, store};
use send::Job;

#[cfg(test)]
pub(super) use intake::{take_in, take_in_for};

/// The longest time for which deliveries under way may go on when the service ends; then others take them.
const PATIENCE: Duration = Duration::from_secs(3);

/// The options of a dispatcher. The defaults are for production.
#[derive(Clone, Debug)]
pub struct DispatcherOptions {
    /// The interval of the checks for due deliveries when nobody wakes the dispatcher.
    pub poll: Duration,
    /// The time for which a delivery belongs to the replica that took it; longer than an attempt can take.
    pub lease: Duration,
    /// Events taken in by one transaction, at most.
    pub batch: i64,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(60),
            batch: 500,
        }
    }
}

/// Sends the events of one service to its webhooks.
#[derive(Debug)]
pub struct Dispatcher {
    webhooks: Webhooks,
    options: DispatcherOptions,
    running: JoinSet<()>,
    claims: HashMap<Id, Claim>,
    /// The webhook whose deliveries were started last: the others come before it.
    served: Uuid,
    housekeeping: Housekeeping,
    metering: Metering,
    warned: bool,
    /// True if secrets were encrypted under the active key since the start.
    resealed: bool,
    clock: ClockWatch,
}

impl Dispatcher {
    /// A dispatcher of `webhooks`.
    pub fn new(webhooks: Webhooks, options: DispatcherOptions) -> Self {
        Self {
            webhooks,
            options,
            running: JoinSet::new(),
            claims: HashMap::new(),
            served: Uuid::nil(),
            housekeeping: Housekeeping::new(),
            metering: Metering::new(),
            warned: false,
            resealed: false,
            clock: ClockWatch::default(),
        }
    }

    /// Delivers until `shutdown`. What is under way then is given a moment; the rest is handed back.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut head = self.webhooks.shared.outbox.head().subscribe();
        let work = std::sync::Arc::clone(&self.webhooks.shared.work);
        let mut failures = Backoff::new("webhook dispatcher cannot use the database");
        while !shutdown.is_cancelled() {
            let turn = async {
                self.reseal().await?;
                self.run_once().await
            };
            match turn.await {
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
                () = work.notified() => {}
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
            }
        }
        self.hand_back().await;
    }

    /// Encrypts every secret under the active key, once.
    async fn reseal(&mut self) -> Result<(), DbError> {
        if self.resealed {
            return Ok(());
        }
        match housekeeping::reseal(&self.webhooks).await {
            Err(WebhookError::Db(error)) => return Err(error),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "webhook secrets cannot be encrypted under the active key"
            ),
            Ok(()) => {}
        }
        self.resealed = true;
        Ok(())
    }

    /// One turn: take in what is new, start what is due. Answers whether there is more to do at once.
    async fn run_once(&mut self) -> Result<bool, DbError> {
        // Here and not only while waiting: a long way to take in must not keep the room of what has ended.
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended);
        }
        clock::correct(&self.webhooks, &mut self.clock, self.options.lease).await?;
        let more = intake::take_in(&self.webhooks, self.options.batch).await?;
        self.start_due().await?;
        self.metering.measure(&self.webhooks).await?;
        let more = self.housekeeping.tidy(&self.webhooks).await? || more;
        Ok(more)
    }

    /// Starts what is due, as far as there is room. A receiver that is slow fills its own share and no more,
    /// and the webhook that was served last waits for the others.
    async fn start_due(&mut self) -> Result<(), DbError> {
        let config = &self.webhooks.shared.config;
        let overall = usize::from(config.deliveries.get());
        let each = usize::from(config.deliveries_per_webhook.get());
        let now = self.webhooks.now();
        let mut reader = self.webhooks.shared.db.reader().await?;
        let held = chassis::db::clock(&mut reader).await?;
        let mut due = queue::with_work(&mut reader, now, held).await?;
        drop(reader);
        due.retain(|webhook| !self.webhooks.shared.health.rests(*webhook, now));
        if due.is_empty() {
            return Ok(());
        }
        if self.webhooks.shared.cipher.is_none() {
            self.warn_once();
            return Ok(());
        }
        let shares = Shares::new(overall, each, due.len());
        begin_after(&mut due, self.served);
        for webhook in due {
            let busy = self
                .claims
                .values()
                .filter(|claim| claim.webhook == webhook)
                .count();
            let room = shares.room(busy, self.claims.len());
            if room > 0 {
                self.start(webhook, room).await?;
            }
        }
        Ok(())
    }

    /// Starts up to `room` deliveries of `webhook`.
    async fn start(&mut self, webhook: Uuid, room: usize) -> Result<(), DbError> {
        for job in self.claim(webhook, room).await? {
            let claim = job.claim;
            let task = self.running.spawn(job.run());
            self.claims.insert(task.id(), claim);
            self.served = webhook;
        }
        Ok(())
    }

    /// Takes up to `room` deliveries of `webhook` for this replica.
    async fn claim(&self, webhook: Uuid, room: usize) -> Result<Vec<Job>, DbError> {
        let db = &self.webhooks.shared.db;
        let now = self.webhooks.now();
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let mut reader = db.reader().await?;
        let held = chassis::db::clock(&mut reader).await?;
        let due = queue::due(&mut reader, webhook, (now, held), limit).await?;
        drop(reader);
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = db.begin("webhook_claim").await?;
        let stored = store::find(&mut tx, webhook).await?;
        let Some(stored) = stored.filter(|stored| stored.may_be_called(now)) else {
            return Ok(Vec::new());
        };
        let held = chassis::db::clock(&mut tx).await?;
        let mut jobs = Vec::new();
        for delivery in due {
            let until = held + self.options.lease;
            if let Some(claim) = queue::claim(&mut tx, webhook, &delivery, (now, held), until).await? {
                jobs.push(Job {
                    webhooks: self.webhooks.clone(),
                    webhook: stored.clone(),
                    claim,
                    delivery,
                });
            }
        }
        tx.commit().await?;
        Ok(jobs)
    }

    fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "webhook delivery failed: retried when its lease expires");
                error.id()
            }
        };
        self.claims.remove(&id);
    }

    fn warn_once(&mut self) {
        if !self.warned {
            tracing::error!(
                "webhook deliveries paused: their secrets cannot be read without [encryption] in the configuration"
            );
            self.warned = true;
        }
    }

    /// Waits a moment for what is under way, and gives the rest back so that others send it at once.
    async fn hand_back(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, self.running.join_next_with_id()).await
        {
            self.ended(ended);
        }
        self.running.shutdown().await;
        for claim in std::mem::take(&mut self.claims).into_values() {
            let released = async {
                let mut tx = self.webhooks.shared.db.begin("webhook_release").await?;
                queue::release(&mut tx, claim).await?;
                tx.commit().await
            };
            if let Err(error) = released.await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "webhook delivery not released: its lease expires by itself"
                );
            }
        }
    }
}

#[cfg(test)]
impl Dispatcher {
    /// One turn that takes in `batch` events of each webhook at most. Answers whether there are more.
    pub(super) async fn turn_of(&mut self, batch: i64) -> bool {
        self.options.batch = batch;
        self.run_once().await.unwrap()
    }

    /// Delivers everything that is due now, and waits for the answers.
    pub(super) async fn deliver_due(&mut self) {
        loop {
            let more = self.run_once().await.unwrap();
            let started = self.claims.len();
            while let Some(ended) = self.running.join_next_with_id().await {
                self.ended(ended);
            }
            if started == 0 && !more {
                return;
            }
        }
    }
}

/// Claims one delivery of `webhook`, as a dispatcher would.
#[cfg(test)]
pub(super) async fn claim_one(webhooks: &Webhooks, webhook: Uuid) -> Option<Job> {
    let dispatcher = Dispatcher::new(webhooks.clone(), DispatcherOptions::default());
    dispatcher.claim(webhook, 1).await.unwrap().pop()
}

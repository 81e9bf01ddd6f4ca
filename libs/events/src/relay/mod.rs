//! The relay: publishes what the outbox holds, in order for each aggregate, from as many replicas as there are.
//!
//! It reads **unsent rows**, never "number greater than the last": transactions commit in another order than they
//! write, and such a reader would step over those that commit late. Each of the 16 partitions is held by one replica
//! at a time; publishing and the check of the lease's fence are one transaction, so a replica that stood
//! still beyond its lease publishes nothing when it wakes. The same transaction takes the positions from the one
//! counter of the service and holds its row until the commit, so positions have no gaps and become visible in order.

mod batch;
mod leases;
mod metering;
mod replica_notify;
mod republish;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::{Db, DbError};
use chassis::shutdown::Shutdown;
use tokio::time::Instant;

use crate::outbox::Outbox;
use crate::transport::{PATIENCE, Transport};
use batch::BatchError;
use leases::Leases;
use metering::Metering;
use replica_notify::ReplicaNotify;
use republish::Republishing;
pub(crate) use store::leases::after_restore;
pub(crate) use store::replays::request_republish;

/// The longest pause before a transport that takes nothing is tried again.
const LONGEST_REFUSAL: Duration = Duration::from_secs(5);

/// The options of a relay. The defaults are for production.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// Events published in one transaction, at most.
    pub batch: i64,
    /// The interval at which the outbox is read when nobody wakes the relay.
    pub poll: Duration,
    /// After how long without renewal a replica's partitions are taken by others.
    pub lease: Duration,
    /// For how long partitions are kept while the transport takes its time over one batch.
    pub patience: Duration,
    /// The number of attempts at an event before it becomes a dead letter.
    pub max_attempts: i32,
    /// The pause after the first failed attempt; doubled after each further one.
    pub first_backoff: Duration,
    /// The longest pause between attempts.
    pub longest_backoff: Duration,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            batch: 500,
            poll: Duration::from_millis(250),
            lease: Duration::from_secs(3),
            patience: PATIENCE,
            max_attempts: 12,
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(60),
        }
    }
}

/// Publishes the events of one service. Every replica runs one.
#[derive(Debug)]
pub struct Relay<T> {
    db: Db,
    outbox: Outbox,
    transport: T,
    options: RelayOptions,
    leases: Leases,
    replicas: ReplicaNotify,
    metering: Metering,
    republishing: Republishing,
    /// Of the database.
    failures: Backoff,
    /// Of the transport.
    refusals: Backoff,
}

impl<T: Transport> Relay<T> {
    /// A relay of `outbox`, whose rows are in `db`.
    pub fn new(db: Db, outbox: Outbox, transport: T, options: RelayOptions) -> Self {
        let id = outbox.random().uuid(&**outbox.clock());
        Self {
            leases: Leases::new(id, db.engine(), options.lease),
            replicas: ReplicaNotify::new(id, &db),
            metering: Metering::new(transport.name()),
            republishing: Republishing::default(),
            failures: Backoff::new("outbox relay cannot use the database"),
            refusals: Backoff::new("event transport unavailable")
                .with_pauses(options.first_backoff, LONGEST_REFUSAL),
            db,
            outbox,
            transport,
            options,
        }
    }

    /// Publishes until `shutdown`, then finishes the batch in hand and hands its partitions back. Failures of the
    /// database or of the transport are logged and tried again.
    pub async fn run(mut self, shutdown: Shutdown) {
        // Nothing need be published for followers to ask how far it goes.
        if let Ok(mut reader) = self.db.reader().await
            && let Ok(head) = store::head(&mut reader).await
        {
            self.raise_head(head);
        }
        while !shutdown.is_cancelled() {
            let progress = match self.round().await {
                Ok(progress) => progress,
                Err(error) => {
                    // Whatever it held, it publishes none of it, and the gauge must not say so.
                    self.metering.leases(0);
                    let pause = self.failures.failed(&error);
                    // For nothing else: leases that are due and news of others would make it spin.
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = shutdown.cancelled() => {}
                    }
                    continue;
                }
            };
            self.failures.succeeded();
            match progress {
                Progress::More => {}
                Progress::Done => self.idle(self.options.poll, false, &shutdown).await,
                Progress::Unavailable(pause) => self.idle(pause, true, &shutdown).await,
            }
        }
        if let Err(error) = self.leases.hand_back(&self.db).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "outbox leases not released: they expire by themselves"
            );
        }
        self.replicas.announce_leave(&self.db).await;
        self.metering.stopped();
    }

    /// One turn: keep the leases, publish a batch.
    async fn round(&mut self) -> Result<Progress, DbError> {
        if self.leases.maintain(&self.db).await? {
            self.metering.leases(self.leases.count());
        }
        self.replicas.update_peers(self.leases.alone()).await;
        republish::republish_stale(self).await?;
        let published = match batch::publish(self).await {
            Ok(published) => published,
            Err(BatchError::Fenced) => {
                tracing::warn!("outbox leases lost to another replica: this one did not renew them in time");
                self.leases.forget();
                republish::republish_stale(self).await?;
                return Ok(Progress::More);
            }
            Err(BatchError::Db(error)) => return Err(error),
        };
        self.metering.measure(&self.db, self.outbox.clock().now()).await?;
        if let Some(head) = published.head {
            self.raise_head(head);
            self.replicas.mark_dirty();
        } else if !self.leases.alone() {
            let head = store::head(&mut self.db.reader().await?).await?;
            self.raise_head(head);
        }
        if let Some(pause) = published.unavailable {
            return Ok(Progress::Unavailable(pause));
        }
        if !published.full {
            republish::publish(self).await?;
        }
        Ok(if published.full {
            Progress::More
        } else {
            Progress::Done
        })
    }

    /// Tells followers in this process that there is more to read.
    fn raise_head(&self, head: i64) {
        self.outbox.head().send_if_modified(|known| {
            let rises = head > *known;
            *known = head.max(*known);
            rises
        });
    }

    /// Waits for a reason to look again: a commit in this process, news from another, a lease to renew, or time.
    async fn idle(&mut self, pause: Duration, unavailable: bool, shutdown: &Shutdown) {
        let until = (Instant::now() + pause).min(self.leases.due());
        let written = std::sync::Arc::clone(self.outbox.written());
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep_until(until) => {}
            // A transport that is away is not asked again before its time.
            () = written.notified(), if !unavailable => self.replicas.mark_dirty(),
            left = self.replicas.listen() => {
                if left {
                    self.leases.mark_due();
                }
            }
        }
        self.replicas.notify_if_dirty(&self.db).await;
    }
}

enum Progress {
    /// There is probably more to publish.
    More,
    /// Everything is published.
    Done,
    /// The transport is away, and is left alone for this long.
    Unavailable(Duration),
}

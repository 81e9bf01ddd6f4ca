//! Follows another service through a broker into the inbox.

use std::time::Duration;

use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use tokio::time::Instant;

use super::apply::Origin;
use super::bootstrap_marker::{self, Marker};
use super::failures::FollowingFailures;
use super::housekeeping::Housekeeping;
use super::{Handler, Inbox, InboxError, unreadable};
use crate::feed::{FeedError, FeedSource};
use crate::trace::MessagingAttributes;
use crate::transport::{Broker, Message, Subscription, SubscriptionError};
use contract::Envelope;

/// The interval at which the lag is written into the metrics.
const METER_EVERY: Duration = Duration::from_secs(2);

/// Follows a service through a broker. Every replica runs one; the broker shares the work among them, and the inbox
/// keeps them from doing the same twice where it does not.
#[derive(Debug)]
pub struct Subscriber<B, H> {
    inbox: Inbox<H>,
    broker: B,
    snapshot: FeedSource,
    housekeeping: Housekeeping,
    marker: Marker,
    /// Messages are gone, and the database does not know yet.
    missed: bool,
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Broker(#[from] SubscriptionError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<InboxError> for RunError {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Db(error) => Self::Db(error),
            // Nobody else moves the marker that says that the snapshot was read.
            InboxError::Moved => Self::Db(DbError::from(sqlx::Error::RowNotFound)),
        }
    }
}

impl<B: Broker, H: Handler> Subscriber<B, H> {
    /// A subscriber that hands what `broker` brings to `inbox`; `snapshot` is the feed of the service that is followed.
    pub fn new(inbox: Inbox<H>, broker: B, snapshot: FeedSource) -> Self {
        let inbox = inbox.over(MessagingAttributes::new(broker.name(), broker.destination()));
        Self {
            marker: Marker::of(inbox.consumer, broker.name(), &broker.place()),
            missed: false,
            inbox,
            broker,
            snapshot,
            housekeeping: Housekeeping::default(),
        }
    }

    /// Follows until `shutdown`. Whatever fails is logged and tried again, with pauses of 2 s at most.
    pub async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            // Dropped in the middle of a transaction: it is rolled back, and the broker delivers again.
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut failures = FollowingFailures::new(self.inbox.consumer, "events cannot be followed", 2);
        loop {
            let error = match self.connected(&mut failures).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            self.missed |= matches!(error, RunError::Broker(SubscriptionError::Missed(_)));
            let pause = failures.failed(&error);
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection, until it fails.
    async fn connected(
        &mut self,
        failures: &mut FollowingFailures,
    ) -> Result<std::convert::Infallible, RunError> {
        if self.missed {
            self.marker.withdraw(&self.inbox.db).await?;
            self.missed = false;
        }
        let begun = self.marker.has_begun(&self.inbox.db).await?;
        let mut subscription = self.broker.subscribe(begun).await?;
        if !begun {
            self.bootstrap().await?;
        }
        self.inbox.status.connected();
        let mut metered = Instant::now();
        loop {
            self.housekeeping.run(&self.inbox).await?;
            let wait = self.housekeeping.wait(&self.inbox).await?;
            let limit = usize::try_from(self.inbox.options.batch).unwrap_or(1);
            let messages = subscription.next(limit, wait).await?;
            self.apply(messages).await?;
            // Also when there was no event: the position of a broker moves on over messages that are not events.
            subscription.settle().await?;
            // Not before they are applied: a database that is away must not have the broker asked in a hurry.
            failures.succeeded();
            let lag = subscription.lag();
            self.inbox.status.set_lag(lag);
            if metered.elapsed() >= METER_EVERY
                && let Some(lag) = lag
            {
                metered = Instant::now();
                metrics::gauge!("vestibule_consumer_lag", "consumer" => self.inbox.consumer)
                    .set(f64::from(u32::try_from(lag).unwrap_or(u32::MAX)));
            }
        }
    }

    /// Applies messages in their order. What cannot be read is kept in a table.
    async fn apply(&self, messages: Vec<Message>) -> Result<(), RunError> {
        let mut events: Vec<Envelope> = Vec::with_capacity(messages.len());
        for message in messages {
            match message {
                Message::Event(event) => events.push(*event),
                Message::Unreadable(message) => {
                    unreadable::store_unreadable(&self.inbox, self.broker.name(), &message).await?;
                }
            }
        }
        if !events.is_empty() {
            self.inbox.deliver(&events, None).await?;
        }
        Ok(())
    }

    /// Reads the snapshot, after a restoration also the feed, and writes down that this was done.
    async fn bootstrap(&self) -> Result<(), RunError> {
        tracing::info!(consumer = self.inbox.consumer, "consumer starts with a snapshot");
        let mut page = self.snapshot.snapshot(None).await?;
        loop {
            self.inbox
                .deliver_from(Origin::Snapshot, &page.events, None)
                .await?;
            let Some(next) = page.next else { break };
            page = self.snapshot.snapshot(Some(&next)).await?;
        }
        if bootstrap_marker::is_of_restored(&self.inbox.db).await? {
            self.catch_up().await?;
        }
        self.marker.set(&self.inbox.db, self.inbox.clock.now()).await?;
        Ok(())
    }

    /// Reads all that the feed still has. What was applied before the backup is known by its id; the rest the broker gave
    /// to the database that is gone, and gives nobody again.
    async fn catch_up(&self) -> Result<(), RunError> {
        tracing::info!(
            consumer = self.inbox.consumer,
            "consumer reads the feed once after a restoration"
        );
        let (mut after, batch) = (0, self.inbox.options.batch);
        loop {
            let events = match self.snapshot.events(after, batch, Duration::ZERO).await {
                Ok(events) => events,
                // Pruned, or the hole of a restoration there.
                Err(FeedError::Gone { oldest }) if oldest > after + 1 => {
                    after = oldest - 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(last) = events.last().and_then(|event| event.position) else {
                return Ok(());
            };
            self.inbox.deliver(&events, None).await?;
            after = last;
        }
    }
}

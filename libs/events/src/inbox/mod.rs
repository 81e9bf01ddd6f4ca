//! The inbox: events of another service, applied once, with their effect, in one transaction.
//!
//! An event is known by its id, so a second delivery changes nothing. Its `sequence` is compared with the newest that
//! was applied of its aggregate: an older one is dropped, since a newer one carried the whole state; one that skips
//! some is counted as a gap, and applied.
//!
//! An event that cannot be applied is parked, and the later ones of its aggregate behind it; the others go on. It is
//! tried again with growing pauses, and given up after [`ConsumerOptions::max_attempts`].

mod apply;
mod bootstrap_marker;
mod consumer;
mod failures;
mod housekeeping;
mod metering;
mod parked;
mod repair;
mod status;
mod store;
mod subscriber;
#[cfg(test)]
pub(crate) mod tests;
mod unreadable;

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use chassis::telemetry::catalogue::init_series;

pub(crate) use bootstrap_marker::after_restore;
pub use consumer::{Bootstrap, Consumer, ConsumerOptions};
pub(crate) use status::ConsumerStatus;
pub(crate) use store::parked::replay_all_parked;
pub use store::parked::{ParkedEvent, parked, replay_parked};
use store::positions::{self, PositionKey};
pub use subscriber::Subscriber;

use crate::outbox::OutboxError;
use crate::trace::{self, MessagingAttributes};
use contract::{Envelope, EnvelopeError};

/// The result of a handler for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its effect is in the transaction.
    Yes,
    /// It is not of interest here. What a handler answers to types that it does not know.
    Ignored,
}

/// The reason why a handler could not apply an event.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The database failed. What is transient is tried again for ever.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Everything else.
    #[error(transparent)]
    Other(Box<dyn StdError + Send + Sync>),
}

impl HandlerError {
    /// An error of the handler's own.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

impl From<EnvelopeError> for HandlerError {
    fn from(error: EnvelopeError) -> Self {
        Self::other(error)
    }
}

impl From<OutboxError> for HandlerError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Db(error) => Self::Db(error),
            error => Self::other(error),
        }
    }
}

/// The handler of a service for the events of another.
pub trait Handler: Send + Sync + 'static {
    /// Applies one event. Everything it writes goes into `tx`, which the inbox commits together with its own notes,
    /// often for many events at once; so nothing may be done here that a rollback does not undo. Events of one
    /// aggregate come in order and once.
    fn apply(
        &self,
        tx: &mut Tx,
        event: &Envelope,
    ) -> impl Future<Output = Result<Applied, HandlerError>> + Send;
}

/// The reason why events were not applied.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The database failed; nothing was applied.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another replica has moved the consumer on; nothing was applied.
    #[error("another replica of this consumer is further")]
    Moved,
}

/// The outcomes of a delivery, by number of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "InboxCounts")]
pub struct Delivery {
    /// Events whose effect is in the database now.
    pub applied: u64,
    /// Events that the handler had no interest in.
    pub ignored: u64,
    /// Events that had come before.
    pub duplicates: u64,
    /// Events that a newer one of their aggregate had overtaken.
    pub stale: u64,
    /// Events that came although one before them was missing.
    pub gaps: u64,
    /// Events that were parked, because they or one before them could not be applied.
    pub parked: u64,
}

/// A move in the feed, from one position to another, to be written with the events between them.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The position of the consumer before the move.
    pub from: i64,
    /// The position after it.
    pub to: i64,
}

/// The part of a consumer that applies deliveries, whatever order and number they come in. Every transport's
/// consumer has one.
pub struct Inbox<H> {
    /// The name of the consumer: what the notes are kept under.
    consumer: &'static str,
    db: Db,
    clock: SharedClock,
    handler: Arc<H>,
    options: ConsumerOptions,
    status: ConsumerStatus,
    messaging: MessagingAttributes,
}

impl<H: Handler> Inbox<H> {
    /// The inbox of `consumer`, a name that never changes, in the same database as the effects.
    pub fn new(
        consumer: &'static str,
        db: Db,
        clock: SharedClock,
        handler: H,
        options: ConsumerOptions,
    ) -> Self {
        init_series(crate::METRICS, "consumer", consumer);
        Self {
            consumer,
            db,
            clock,
            handler: Arc::new(handler),
            options,
            status: ConsumerStatus::default(),
            messaging: MessagingAttributes::new("feed", "events"),
        }
    }

    /// Says in traces that the events come this messaging, and not over the feed.
    #[must_use]
    pub(crate) fn over(mut self, messaging: MessagingAttributes) -> Self {
        self.messaging = messaging;
        self
    }

    /// Reports to `status` what becomes of deliveries.
    #[must_use]
    pub(crate) fn reporting_to(mut self, status: ConsumerStatus) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn consumer(&self) -> &'static str {
        self.consumer
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Runs `applying`, which applies `event`, as a part of the trace in which the event happened.
    async fn traced(
        &self,
        event: &Envelope,
        applying: impl Future<Output = Result<Applied, HandlerError>>,
    ) -> Result<Applied, HandlerError> {
        let Some((mut span, trace)) = trace::processing(event, &self.messaging, self.consumer) else {
            return applying.await;
        };
        let outcome = trace.scope(applying).await;
        match &outcome {
            Ok(applied) => {
                let outcome = match applied {
                    Applied::Ignored => "ignored",
                    Applied::Yes => "applied",
                };
                span.set("vestibule.event.outcome", outcome);
                span.succeed();
            }
            Err(_) => span.fail("not_applied"),
        }
        outcome
    }

    /// The position of the consumer in its feed; nothing before the first event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position(&self) -> Result<Option<i64>, DbError> {
        let position =
            positions::find(&mut self.db.reader().await?, &PositionKey::feed(self.consumer)).await?;
        Ok(position.filter(|position| *position != positions::NOWHERE))
    }
}

// Not derived: the handler is shared and need not be cloned.
impl<H> Clone for Inbox<H> {
    fn clone(&self) -> Self {
        Self {
            consumer: self.consumer,
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            handler: Arc::clone(&self.handler),
            options: self.options.clone(),
            status: self.status.clone(),
            messaging: self.messaging.clone(),
        }
    }
}

impl<H> std::fmt::Debug for Inbox<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

//! The outbox: what a transaction tells the world is written in that transaction.

mod dead_letters;
mod holes;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{DbError, Tx};
use chassis::random::SharedRandom;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use contract::EventData;
pub(crate) use dead_letters::given_up_for;
pub(crate) use holes::note_holes;
pub(crate) use store::dead_letters::prune_dead_letters;
pub use store::dead_letters::{DeadLetter, dead_letters, replay, replay_all};
pub use store::first_sequence;
pub(crate) use store::renumber;

/// Into how many partitions aggregates fall. Fixed: it is written into every row.
pub const PARTITIONS: i32 = 16;

/// The reason why an event could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The database refused. [`DbError::Unique`]: the aggregate has an event of this sequence already.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The data cannot be written as JSON.
    #[error("the data of {kind} cannot be written as JSON")]
    Data {
        /// The type of the event.
        kind: &'static str,
        /// The error of the serializer.
        #[source]
        source: serde_json::Error,
    },
}

/// The outbox, to which a service writes its events. Cheap to clone; all clones wake the same relay.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    source: String,
    clock: SharedClock,
    random: SharedRandom,
    written: Arc<Notify>,
    head: watch::Sender<i64>,
}

/// One event about to be written.
#[derive(Debug)]
struct Row<'a> {
    id: Uuid,
    aggregate_type: &'a str,
    aggregate_id: Uuid,
    kind: &'static str,
    payload: String,
    sequence: i64,
    schema_version: i32,
    traceparent: Option<String>,
    occurred_at: Timestamp,
}

impl Outbox {
    /// An outbox of the service whose public URL is `source`.
    pub fn new(source: impl Into<String>, clock: SharedClock, random: SharedRandom) -> Self {
        Self {
            shared: Arc::new(Shared {
                source: source.into(),
                clock,
                random,
                written: Arc::new(Notify::new()),
                head: watch::Sender::new(0),
            }),
        }
    }

    /// Writes an event in the transaction of the change, and wakes the relay once it is committed. Answers the id of
    /// the event.
    ///
    /// `sequence` is the version of the aggregate after the change, counted from 1. The caller raises it under the
    /// aggregate's row lock **before** it appends: that is what keeps the events of one aggregate in order.
    ///
    /// # Errors
    /// When the database refuses, or the aggregate has an event of this sequence already.
    pub async fn append<T: EventData>(
        &self,
        tx: &mut Tx,
        aggregate_type: &str,
        aggregate_id: Uuid,
        sequence: i64,
        data: &T,
    ) -> Result<Uuid, OutboxError> {
        let id = self.shared.random.uuid(&*self.shared.clock);
        let (mut span, traceparent) = crate::trace::creating(id, T::TYPE);
        let row = Row {
            id,
            aggregate_type,
            aggregate_id,
            kind: T::TYPE,
            payload: payload(data)?,
            sequence,
            schema_version: T::SCHEMA_VERSION,
            traceparent,
            occurred_at: self.shared.clock.now(),
        };
        store::insert(tx, &row).await?;
        span.succeed();
        tx.wake_on_commit(&self.shared.written);
        Ok(row.id)
    }

    /// Writes one event of each aggregate in one statement: see [`Self::append`]. `events` are the id of the aggregate, its version
    /// after the change, and the data.
    ///
    /// # Errors
    /// When the database refuses, or an aggregate has an event of its sequence already.
    pub async fn append_all<T: EventData>(
        &self,
        tx: &mut Tx,
        aggregate_type: &str,
        events: &[(Uuid, i64, T)],
    ) -> Result<(), OutboxError> {
        if events.is_empty() {
            return Ok(());
        }
        let occurred_at = self.shared.clock.now();
        let (mut rows, mut spans) = (Vec::with_capacity(events.len()), Vec::new());
        for (aggregate_id, sequence, data) in events {
            let id = self.shared.random.uuid(&*self.shared.clock);
            let (span, traceparent) = crate::trace::creating(id, T::TYPE);
            spans.push(span);
            rows.push(Row {
                id,
                aggregate_type,
                aggregate_id: *aggregate_id,
                kind: T::TYPE,
                payload: payload(data)?,
                sequence: *sequence,
                schema_version: T::SCHEMA_VERSION,
                traceparent,
                occurred_at,
            });
        }
        store::insert_all(tx, &rows).await?;
        for span in &mut spans {
            span.succeed();
        }
        tx.wake_on_commit(&self.shared.written);
        Ok(())
    }

    /// The public URL of the service: the `source` of its events.
    pub fn source(&self) -> &str {
        &self.shared.source
    }

    /// The time.
    pub fn clock(&self) -> &SharedClock {
        &self.shared.clock
    }

    /// The source of random numbers for ids.
    pub fn random(&self) -> &SharedRandom {
        &self.shared.random
    }

    /// Woken after every commit that wrote an event.
    pub(crate) fn written(&self) -> &Arc<Notify> {
        &self.shared.written
    }

    /// The last position that this process knows to be published.
    pub fn head(&self) -> &watch::Sender<i64> {
        &self.shared.head
    }
}

fn payload<T: EventData>(data: &T) -> Result<String, OutboxError> {
    serde_json::to_string(data).map_err(|source| OutboxError::Data {
        kind: T::TYPE,
        source,
    })
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("source", &self.shared.source)
            .finish_non_exhaustive()
    }
}

/// The partition of an aggregate: FNV-1a of its id. Never to change: two rows of one aggregate in two partitions
/// could overtake each other.
pub(crate) fn partition_of(aggregate: Uuid) -> i32 {
    let hash = aggregate.as_bytes().iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV are its weakest: fold the high ones in.
    i32::try_from((hash ^ (hash >> 16)) % PARTITIONS.unsigned_abs()).unwrap_or(0)
}

//! The feed: the published events of a service over HTTP, in the order of their positions, for followers that need
//! no broker.

mod client;
mod guard;
mod retention;
pub(crate) mod routes;
mod sse;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::db::{Db, DbError};
use chassis::shutdown::{Phase, Shutdown};

pub(crate) use client::News;
pub use client::{FeedError, FeedSource, SnapshotBatch};
pub use retention::prune_on_schedule;
pub use routes::HasFeed;
pub(crate) use routes::routes;
pub(crate) use routes::{envelope, json};
pub use store::{after as events_after, bounds, prune};

use crate::outbox::Outbox;
use crate::snapshot::Snapshot;
use crate::transport::{PublishError, Transport};
use contract::Envelope;

/// Events in one answer, at most.
pub const MAX_LIMIT: i64 = 1000;
/// The longest that a request may wait for news.
pub const MAX_WAIT: Duration = Duration::from_secs(25);

/// The interval at which a request that stays open, a long poll or a stream, checks that its token is still
/// honoured (SB-47).
const RECHECK_EVERY: Duration = Duration::from_secs(2);

/// The transport of a service without a broker: to publish is to have a position.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedTransport;

impl Transport for FeedTransport {
    fn name(&self) -> &'static str {
        "feed"
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        vec![Ok(()); events.len()]
    }
}

/// The feed of a service, as its routes serve it. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    db: Db,
    outbox: Outbox,
    snapshot: Arc<dyn Snapshot>,
    closing: Shutdown,
    recheck_every: Duration,
}

/// The reason why a place in the feed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Events after this position were pruned, or the position was never given (the database was restored from a
    /// backup, say). The follower has to begin with a snapshot.
    #[error("position {after} is not in the feed, which holds {oldest} to {last}")]
    Gone {
        /// The position asked for.
        after: i64,
        /// The oldest event that is there.
        oldest: i64,
        /// The last one.
        last: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Feed {
    /// The feed of `outbox`, whose rows are in `db`. When `closing` comes to that phase, waiting requests are answered and
    /// streams end.
    pub fn new(db: Db, outbox: Outbox, snapshot: Arc<dyn Snapshot>, closing: Shutdown) -> Self {
        Self {
            db,
            outbox,
            snapshot,
            closing,
            recheck_every: RECHECK_EVERY,
        }
    }

    /// With another pause between the checks of the token of a request that stays open.
    #[must_use]
    pub fn rechecking_every(self, recheck_every: Duration) -> Self {
        Self {
            recheck_every,
            ..self
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.phase() >= Phase::Closing
    }

    /// The last position given, as far as this process knows.
    fn head(&self) -> i64 {
        *self.outbox.head().borrow()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn snapshot(&self) -> &dyn Snapshot {
        &*self.snapshot
    }

    /// At most `limit` events after `after`, without gaps. When there are none, waits for at most `wait` for the
    /// first.
    ///
    /// # Errors
    /// [`ReadError::Gone`] when the feed does not reach back to `after`.
    pub async fn read(&self, after: i64, limit: i64, wait: Duration) -> Result<Vec<Envelope>, ReadError> {
        let mut head = self.outbox.head().subscribe();
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let mut reader = self.db.reader().await?;
            let mut events = store::after(&mut reader, after, limit, self.outbox.source()).await?;
            events.truncate(contiguous(&events));
            // Positions have no gaps: anything else than the next one means that rows were taken away.
            if events.first().and_then(|event| event.position) != Some(after + 1) {
                store::check(&mut reader, after).await?;
            }
            drop(reader);
            if !events.is_empty() {
                return Ok(events);
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => return Ok(events),
                () = self.closing.closing() => return Ok(events),
                news = head.wait_for(|head| *head > after) => {
                    if news.is_err() {
                        return Ok(events);
                    }
                }
            }
        }
    }

    /// The position before the oldest event that is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beginning(&self) -> Result<i64, DbError> {
        let (pruned, _) = store::bounds(&mut self.db.reader().await?).await?;
        Ok(pruned)
    }

    /// The last position given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last(&self) -> Result<i64, DbError> {
        let (_, last) = store::bounds(&mut self.db.reader().await?).await?;
        Ok(last)
    }
}

/// The number of events that stand one behind the other: what is behind a hole is not given with what is
/// before it.
fn contiguous(events: &[Envelope]) -> usize {
    let positions = events.iter().filter_map(|event| event.position);
    let pairs = positions.clone().zip(positions.skip(1));
    let joined = pairs.take_while(|(one, next)| one + 1 == *next).count();
    (joined + 1).min(events.len())
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

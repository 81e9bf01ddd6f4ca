//! The retention of published events: old ones are deleted.

use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::schedule::run_on_schedule;
use chassis::shutdown::Shutdown;

use super::prune;
use crate::outbox::{given_up_for, note_holes};

/// The interval between two deletions of events past their retention.
const EVERY: Duration = Duration::from_secs(3600);
/// Events deleted in one transaction: publishing waits for it.
const AT_ONCE: i64 = 1000;

/// Deletes published events that are older than `retention`, and those that were given up longer ago than
/// [`given_up_for`] it: now, and every hour until `shutdown`. Replicas may do so at the same time. What waits to be
/// published is never deleted.
pub async fn prune_on_schedule(db: Db, clock: SharedClock, retention: Duration, shutdown: Shutdown) {
    let failures = Backoff::new("events past the retention cannot be deleted");
    let prune = || prune_all(&db, &clock, retention, &shutdown);
    run_on_schedule(EVERY, failures, &shutdown, prune).await;
}

async fn prune_all(
    db: &Db,
    clock: &SharedClock,
    retention: Duration,
    shutdown: &Shutdown,
) -> Result<(), DbError> {
    let before = clock.now() - retention;
    while !shutdown.is_cancelled() {
        let mut tx = db.begin("prune_events").await?;
        let gone = prune(&mut tx, before, AT_ONCE).await?;
        tx.commit().await?;
        metrics::counter!("vestibule_events_pruned_total").increment(gone.unsigned_abs());
        if gone < AT_ONCE {
            break;
        }
    }
    let mut tx = db.begin("prune_dead_letters").await?;
    let gone = crate::outbox::prune_dead_letters(&mut tx, clock.now() - given_up_for(retention)).await?;
    tx.commit().await?;
    if gone > 0 {
        tracing::warn!(count = gone, "events that nobody replayed in time were deleted");
    }
    note_holes(db, clock.now()).await
}

//! Numbers that replicas of an earlier release leave out while they run beside this one.
//!
//! Migration 8 notes those from before the upgrade. A replica of that release goes on leaving one out whenever somebody
//! chooses a password with a link, so the same is noted again and again for a week after the migration. What is
//! missing later was lost, and `events verify` says so. To be taken away with the release after this one.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};

use super::store;

/// The time after migration 8 in which a replica of the release before may run: an upgrade takes no longer.
const UPGRADE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest time from a write before the migration to its commit after it.
const BEFORE: Duration = Duration::from_secs(24 * 3600);

/// Notes the numbers that were left out since migration 8. Does nothing from a week after it on, nor where no earlier release
/// has run.
///
/// # Errors
/// When the database fails.
pub(crate) async fn note_holes(db: &Db, now: Timestamp) -> Result<(), DbError> {
    let mut reader = db.reader().await?;
    let Some(migrated_at) = store::holes_migrated_at(&mut reader).await? else {
        return Ok(());
    };
    // Twice, because an event is found at the earliest when housekeeping comes round.
    if now > migrated_at + UPGRADE + UPGRADE {
        return Ok(());
    }
    let holes = store::new_holes(&mut reader, migrated_at - BEFORE, migrated_at + UPGRADE).await?;
    drop(reader);
    if holes.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin("outbox_holes").await?;
    for (aggregate, sequence) in &holes {
        store::note_hole(&mut tx, *aggregate, *sequence).await?;
    }
    tx.commit().await?;
    tracing::info!(
        count = holes.len(),
        "gaps that an earlier release left in the sequences of accounts are recorded"
    );
    Ok(())
}

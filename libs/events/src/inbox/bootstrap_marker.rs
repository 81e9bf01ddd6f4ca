//! The bootstrap marker: a consumer's note of the broker for which it has read the snapshot. Without it the consumer
//! begins with a snapshot.
//!
//! A consumer has one place in which it reads on: in one broker, or in the feed. What was sent by another way and not
//! read when the way was changed is nowhere that is read, so the notes of all others go when it begins in one.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::clock::Timestamp;
use chassis::db::{Db, DbError, Tx};

use super::store::positions::{self, PositionKey};
use crate::restoration_steps::{self, RestorationStep};

/// The note about one place in one broker.
#[derive(Debug)]
pub(super) struct Marker {
    key: PositionKey,
}

impl Marker {
    /// That of `consumer` about `place`, over `transport`.
    pub(super) fn of(consumer: &'static str, transport: &str, place: &str) -> Self {
        let hash = digest(&SHA256, place.as_bytes());
        let short: String = hash
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            key: PositionKey::broker(consumer, transport, short),
        }
    }

    /// True if the consumer has begun there: it has read the snapshot, and after a restoration also the feed.
    /// A replica of a version that knows nothing of restorations sets the marker after the snapshot alone,
    /// and leaves the note.
    pub(super) async fn has_begun(&self, db: &Db) -> Result<bool, DbError> {
        let mut reader = db.reader().await?;
        let set = positions::find(&mut reader, &self.key).await?.is_some();
        Ok(set && !restoration_steps::is_pending(&mut reader, RestorationStep::ReadFeed).await?)
    }

    /// The snapshot was read. Whatever the consumer knows of other places, the position in the feed included, is of no
    /// use from now on.
    pub(super) async fn set(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let mut tx = db.begin("inbox_ensure_row").await?;
        positions::ensure_row(&mut tx, &self.key, now).await?;
        positions::delete_others(&mut tx, &self.key).await?;
        restoration_steps::finish(&mut tx, RestorationStep::ReadFeed).await?;
        tx.commit().await
    }

    /// The consumer has to begin anew.
    pub(super) async fn withdraw(&self, db: &Db) -> Result<(), DbError> {
        let mut tx = db.begin("inbox_withdraw").await?;
        positions::delete(&mut tx, &self.key).await?;
        tx.commit().await
    }
}

/// True if the database was restored from a backup since the consumer last began.
pub(super) async fn is_of_restored(db: &Db) -> Result<bool, DbError> {
    restoration_steps::is_pending(&mut db.reader().await?, RestorationStep::ReadFeed).await
}

/// `consumer` reads the feed from now on: if it ever comes back to a broker, it begins there anew.
pub(super) async fn withdraw_all(db: &Db, consumer: &'static str) -> Result<(), DbError> {
    let mut tx = db.begin("inbox_withdraw").await?;
    positions::delete_others(&mut tx, &PositionKey::feed(consumer)).await?;
    restoration_steps::finish(&mut tx, RestorationStep::ReadFeed).await?;
    tx.commit().await
}

/// Applies the consequences of a restoration for consumers. A broker has given what came after the backup to
/// the database that was replaced, and gives it nobody again: a consumer of a broker begins with a snapshot,
/// and reads in the feed what no snapshot has.
pub(crate) async fn after_restore(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    positions::delete_broker_rows(tx).await?;
    restoration_steps::note(tx, RestorationStep::ReadFeed, restored_at).await
}

//! What a consumer notes of the broker for which it has read the snapshot: without the note it begins anew.
//!
//! A consumer has one place in which it reads on: in one broker, or in the feed. What was sent by another way and not
//! read when the way was changed is nowhere that is read, so the notes of all others go when it begins in one.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};
use chassis::on_engine;

use super::store;

/// The row that says that the database was restored from a backup, until the consumer has read in the feed what came after
/// it: a broker gave that to the database that is gone. It is one for the whole database, so a database has one consumer
/// behind a broker: of two, the first to catch up would take the note from the other.
pub(crate) const RESTORED: &str = "@restored";

/// The note about one place in one broker.
#[derive(Debug)]
pub(super) struct Marker {
    consumer: &'static str,
    /// A row in the table of positions.
    row: String,
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
            consumer,
            row: format!("{consumer}@{transport}@{short}"),
        }
    }

    /// Whether the consumer has begun there: it has read the snapshot, and after a restoration also the feed. A replica of
    /// a version that knows nothing of restorations sets the marker after the snapshot alone, and leaves the note.
    pub(super) async fn has_begun(&self, db: &Db) -> Result<bool, DbError> {
        let mut reader = db.reader().await?;
        let set = store::position(&mut reader, &self.row).await?.is_some();
        Ok(set && store::position(&mut reader, RESTORED).await?.is_none())
    }

    /// Whether the database was restored from a backup since the consumer last began.
    pub(super) async fn is_of_restored(&self, db: &Db) -> Result<bool, DbError> {
        let noted = store::position(&mut db.reader().await?, RESTORED).await?;
        Ok(noted.is_some())
    }

    /// The snapshot was read. Whatever the consumer knows of other places, the position in the feed included, is of no
    /// use from now on.
    pub(super) async fn set(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let mut tx = db.begin("inbox_enrol").await?;
        store::ensure_row(&mut tx, &self.row, now).await?;
        on_engine!(&mut tx, c => {
            sqlx::query(
                "DELETE FROM consumer_positions
                 WHERE consumer <> $1 AND (consumer IN ($2, $4) OR substr(consumer, 1, length($3)) = $3)")
                .bind(&self.row)
                .bind(self.consumer)
                .bind(prefix(self.consumer))
                .bind(RESTORED)
                .execute(c)
                .await?;
        });
        tx.commit().await
    }

    /// The consumer has to begin anew.
    pub(super) async fn withdraw(&self, db: &Db) -> Result<(), DbError> {
        let mut tx = db.begin("inbox_withdraw").await?;
        on_engine!(&mut tx, c => {
            sqlx::query("DELETE FROM consumer_positions WHERE consumer = $1")
                .bind(&self.row)
                .execute(c)
                .await?;
        });
        tx.commit().await
    }
}

/// What the rows of a consumer in brokers begin with.
fn prefix(consumer: &str) -> String {
    format!("{consumer}@")
}

/// `consumer` reads the feed from now on: if it ever comes back to a broker, it begins there anew.
pub(super) async fn withdraw_all(db: &Db, consumer: &str) -> Result<(), DbError> {
    let mut tx = db.begin("inbox_withdraw").await?;
    on_engine!(&mut tx, c => {
        sqlx::query("DELETE FROM consumer_positions WHERE consumer = $2 OR substr(consumer, 1, length($1)) = $1")
            .bind(prefix(consumer))
            .bind(RESTORED)
            .execute(c)
            .await?;
    });
    tx.commit().await
}

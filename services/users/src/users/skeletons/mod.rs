//! The skeletons of user names (UTS #39 §4) of people whom a version wrote that knew of none: those from before the
//! migration, and those whom a replica of that version writes during an upgrade.
//!
//! Of people whose names look alike already one has the skeleton, mostly the earliest, and the others have none. Nobody loses a
//! name; only new names are compared.

mod store;

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;
use contract::{UserId, UserName};

use store::Locked;

use super::Users;
use crate::schedule::{run_every_minute, run_in_batches};

/// People in one transaction.
const BATCH: i64 = 200;

impl Users {
    /// Fills in what is missing: now, and every minute until `shutdown`. Replicas share the rows: each skips those that
    /// another one has locked.
    pub(crate) async fn fill_skeletons_on_schedule(self, shutdown: Shutdown) {
        let work = || self.fill_skeletons(&shutdown);
        run_every_minute(&shutdown, "filling in skeletons of user names", work).await;
    }

    /// Fills in what is missing, batch by batch.
    ///
    /// # Errors
    /// When the database fails; batches that were committed stay.
    pub(super) async fn fill_skeletons(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        run_in_batches(shutdown, || self.fill_batch_of_skeletons())
            .await
            .map(drop)
    }

    /// Fills in at most [`BATCH`] missing skeletons. The result is their number; none, when others have locked all that is
    /// left: they fill it in, or it is here still in a minute.
    async fn fill_batch_of_skeletons(&self) -> Result<usize, DbError> {
        if !store::any_missing(&mut self.db.reader().await?).await? {
            return Ok(0);
        }
        let mut tx = self.db.begin("user_name_skeletons").await?;
        let filled = fill_with(&mut tx, Locked::Skipped).await?;
        tx.commit().await?;
        Ok(filled)
    }
}

/// Fills in at most [`BATCH`] missing skeletons before a name is given out, so that a name that the version before gave
/// out a moment ago counts. Waits for rows that others have locked.
///
/// # Errors
/// When the database fails.
pub(super) async fn fill(tx: &mut Tx) -> Result<(), DbError> {
    fill_with(tx, Locked::AwaitedFor).await.map(drop)
}

/// As [`fill`], for a transaction that has locked a person: skips rows that others have locked, which may wait for that one.
///
/// # Errors
/// When the database fails.
pub(super) async fn fill_unlocked(tx: &mut Tx) -> Result<(), DbError> {
    fill_with(tx, Locked::Skipped).await.map(drop)
}

/// Fills in at most [`BATCH`] missing skeletons. The result is their number.
async fn fill_with(tx: &mut Tx, locked: Locked) -> Result<usize, DbError> {
    let missing = store::missing(tx, BATCH, locked).await?;
    let count = missing.len();
    let mut named: Vec<(Option<String>, UserId, String)> = missing
        .into_iter()
        // A key is its own key, so it can always be read; a name without a skeleton would only be compared less.
        .map(|(id, key)| (key.parse::<UserName>().ok().map(|name| name.skeleton()), id, key))
        .collect();
    // In the order of the unique index, so that two who fill in the same skeletons wait for each other and never in a
    // circle. Of those who look alike the earliest comes first.
    named.sort();
    for (skeleton, id, key) in named {
        if !store::set(tx, id, &key, skeleton.as_deref()).await? {
            tracing::warn!(user.id = %id, "user name is confusable with that of another user: both stay");
        }
    }
    Ok(count)
}

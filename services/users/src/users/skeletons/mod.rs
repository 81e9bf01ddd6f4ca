//! The skeletons of user names (UTS #39 §4) of people whom a version wrote that knew of none: those from before the
//! migration, and those whom a replica of that version writes during an upgrade.
//!
//! Of people whose names look alike already one has the skeleton, mostly the earliest, and the others have none. Nobody loses a
//! name; only new names are compared.

mod store;

use std::time::Duration;

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;
use contract::{UserId, UserName};

use store::Locked;

use super::Users;

/// People in one transaction.
const BATCH: i64 = 200;

/// The interval at which a replica looks for people that another version wrote.
const EVERY: Duration = Duration::from_secs(60);

impl Users {
    /// Fills in what is missing: now, and every minute until `shutdown`. Replicas share the rows: each skips those that
    /// another one has locked.
    pub(crate) async fn fill_skeletons_on_schedule(self, shutdown: Shutdown) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.fill_skeletons(&shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "skeletons of user names could not be filled in: retried in a minute"
                );
            }
        }
    }

    /// Fills in what is missing, batch by batch.
    ///
    /// # Errors
    /// When the database fails; batches that were committed stay.
    pub(super) async fn fill_skeletons(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        while !shutdown.is_cancelled() {
            let mut reader = self.db.reader().await?;
            let any = store::any_missing(&mut reader).await?;
            drop(reader);
            if !any {
                break;
            }
            let mut tx = self.db.begin("user_name_skeletons").await?;
            let filled = fill_with(&mut tx, Locked::Skipped).await?;
            tx.commit().await?;
            if filled == 0 {
                // Others have locked all that is left: they fill it in, or it is here still in a minute.
                break;
            }
        }
        Ok(())
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

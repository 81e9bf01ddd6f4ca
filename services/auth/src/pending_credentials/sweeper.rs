//! The sweeper of pending credentials: a background task that deletes those whose change was not made.

use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::clock::{SKEW, SharedClock, Timestamp};
use chassis::db::{Db, DbError};
use chassis::shutdown::Shutdown;
use events::reconcile::MAX_IDS;
use uuid::Uuid;

use super::named_credentials::{NamedCredentials, NamedCredentialsError};
use super::{LIFETIME, store};
use crate::subjects;

/// The interval between two sweeps.
const INTERVAL: Duration = Duration::from_secs(60);

/// The reason why a sweep ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    /// The user service did not answer.
    #[error(transparent)]
    Users(#[from] NamedCredentialsError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Deletes pending credentials whose lifetime is over and which the current state of their user does not name. `users` answers which
/// credentials are named.
#[derive(Clone)]
pub(crate) struct PendingCredentialSweeper<U> {
    db: Db,
    clock: SharedClock,
    users: U,
}

impl<U: NamedCredentials> PendingCredentialSweeper<U> {
    /// A sweeper of the pending credentials that stand in `db`.
    pub(crate) fn new(db: Db, clock: SharedClock, users: U) -> Self {
        Self { db, clock, users }
    }

    /// Sweeps until `shutdown`. Replicas may sweep at the same time.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut failures = Backoff::new("expired pending credentials cannot be deleted");
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let swept = async {
                tick.tick().await;
                self.sweep().await
            };
            tokio::select! {
                swept = swept => match swept {
                    Ok(()) => failures.succeeded(),
                    Err(error) => {
                        failures.failed(&error);
                    }
                },
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Sweeps once. Without an answer of the user service nothing is deleted. A credential that a clock ahead created lives no longer for
    /// it.
    ///
    /// # Errors
    /// See [`SweepError`].
    pub(crate) async fn sweep(&self) -> Result<(), SweepError> {
        let now = self.clock.now();
        let mut tx = self.db.begin("correct_pending_credentials").await?;
        store::correct_times(&mut tx, now + LIFETIME, now + LIFETIME + SKEW).await?;
        tx.commit().await?;
        loop {
            let mut reader = self.db.reader().await?;
            let expired = store::expired(&mut reader, now, MAX_IDS).await?;
            drop(reader);
            if expired.is_empty() {
                return Ok(());
            }
            let mut users: Vec<Uuid> = expired.iter().map(|(_, user)| *user).collect();
            users.sort_unstable();
            users.dedup();
            let named = self.users.named_credentials(&users).await?;
            for (id, user) in expired {
                self.settle(id, user, named.get(&user) == Some(&id), now).await?;
            }
        }
    }

    /// Postpones the end of a credential that waits for its state, or deletes it.
    async fn settle(&self, id: Uuid, user: Uuid, is_named: bool, now: Timestamp) -> Result<(), DbError> {
        // A transaction for each: it waits for nobody with another one locked.
        let mut tx = self.db.begin("sweep_pending_credential").await?;
        // A state that was applied takes no credential again, if a request with its password comes twice.
        if is_named && subjects::credential_id(&mut tx, user).await? != Some(id) {
            store::postpone(&mut tx, id, now, now + LIFETIME).await?;
        } else if store::delete_expired(&mut tx, id, now).await? {
            tracing::debug!(user.id = %user, "pending credential expired");
        }
        tx.commit().await
    }
}

//! Accounts: sign-in with a user name and a password, known devices, and the events of an account.

mod attempt;
mod devices;
mod failures;
#[cfg(test)]
mod sequence_tests;
mod sign_in;
mod snapshot;
mod store;
mod stored_hash;
#[cfg(test)]
mod tests;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{CredentialAdded, CredentialChange, CredentialKind, EventData};
pub use devices::MAX_DEVICES;
pub(crate) use devices::{account_of_device, forget_all_devices, forget_devices, sweep_devices};
use events::{Outbox, OutboxError};
pub use sign_in::{SignInError, SignInRequest, SignedIn};
pub use snapshot::AccountsSnapshot;
pub(crate) use store::{delete, ensure_row, exists, lock, lock_all, raise_versions, touch_device, version};
use uuid::Uuid;

use crate::credentials::Hasher;
use crate::throttle::Throttle;

/// The aggregate type of an account's events.
pub(crate) const AGGREGATE: &str = "account";

/// The accounts of this installation.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbox: Outbox,
    hasher: Hasher,
    throttle: Throttle,
}

impl Accounts {
    /// The accounts that stand in `db`.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbox: Outbox,
        hasher: Hasher,
        throttle: Throttle,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            hasher,
            throttle,
        }
    }

    /// Raises the version of an account under its row lock and appends the event that `event` makes of the new
    /// version to the outbox. Returns whether the account exists. Without an account nothing is written.
    ///
    /// Nothing else raises a version, because a version without an event is a hole in the event sequence of the
    /// account.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn append_event<T: EventData>(
        &self,
        tx: &mut Tx,
        account: Uuid,
        event: impl FnOnce(i64) -> T,
    ) -> Result<bool, DbError> {
        let Some(version) = store::next_version(tx, account).await? else {
            return Ok(false);
        };
        self.append_event_at(tx, account, version, &event(version))
            .await?;
        Ok(true)
    }

    /// Appends an event at a given version. This is for events without an account row, and for the last event
    /// before the account is deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn append_event_at<T: EventData>(
        &self,
        tx: &mut Tx,
        account: Uuid,
        version: i64,
        data: &T,
    ) -> Result<(), DbError> {
        match self.outbox.append(tx, AGGREGATE, account, version, data).await {
            Ok(_) => Ok(()),
            Err(error) => Err(outbox_error(error)),
        }
    }

    /// Appends the event that an account has a new password.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn append_password_added(&self, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
        self.append_event(tx, id, |version| password_added(id, version))
            .await
            .map(drop)
    }

    /// Appends the events that accounts, which [`lock_all`] holds, have a new password.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn append_passwords_added(&self, tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
        let versions = store::next_versions(tx, ids).await?;
        let events: Vec<_> = versions
            .into_iter()
            .map(|(id, version)| (id, version, password_added(id, version)))
            .collect();
        let appended = self.outbox.append_all(tx, AGGREGATE, &events).await;
        appended.map_err(outbox_error)
    }
}

fn password_added(id: Uuid, version: i64) -> CredentialAdded {
    CredentialAdded(CredentialChange {
        // An account has one password: it goes by the account's id.
        id,
        user_id: id,
        kind: CredentialKind::Password,
        version,
    })
}

/// Converts an outbox error into a database error. Both roll the transaction back.
pub(crate) fn outbox_error(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        OutboxError::Data { source, .. } => DbError::Other(sqlx::Error::Encode(source.into())),
    }
}

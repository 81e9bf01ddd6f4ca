//! Accounts: sign-in with a user name and a password, known devices, and the events of an account.

mod attempt;
mod devices;
pub(crate) mod failures;
#[cfg(test)]
mod sequence_tests;
mod sign_in;
mod snapshot;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
use contract::EventData;
pub use devices::{MAX_DEVICES, remember_device};
pub(crate) use devices::{forget_all_devices, forget_devices, is_device_of};
use events::OutboxError;
pub use sign_in::{SignInError, SignInRequest, SignedIn, is_admitted, sign_in};
pub use snapshot::AccountsSnapshot;
pub(crate) use store::exists;
use uuid::Uuid;

use crate::app::App;

/// The aggregate type of an account's events.
pub(crate) const AGGREGATE: &str = "account";

/// Raises the version of an account under its row lock and appends the event that `event` makes of the new
/// version to the outbox. Returns whether the account exists. Without an account nothing is written.
///
/// Nothing else raises a version, because a version without an event is a hole in the event sequence of the
/// account.
///
/// # Errors
/// When the database fails.
pub(crate) async fn append_event<T: EventData>(
    app: &App,
    tx: &mut Tx,
    account: Uuid,
    event: impl FnOnce(i64) -> T,
) -> Result<bool, DbError> {
    let Some(version) = store::next_version(tx, account).await? else {
        return Ok(false);
    };
    append_event_at(app, tx, account, version, &event(version)).await?;
    Ok(true)
}

/// Appends an event at a given version. This is for events without an account row, and for the last event
/// before the account is deleted.
///
/// # Errors
/// When the database fails.
pub(crate) async fn append_event_at<T: EventData>(
    app: &App,
    tx: &mut Tx,
    account: Uuid,
    version: i64,
    data: &T,
) -> Result<(), DbError> {
    match app.outbox.append(tx, AGGREGATE, account, version, data).await {
        Ok(_) => Ok(()),
        Err(error) => Err(outbox_error(error)),
    }
}

/// Converts an outbox error into a database error. Both roll the transaction back.
pub(crate) fn outbox_error(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        OutboxError::Data { source, .. } => DbError::Other(sqlx::Error::Encode(source.into())),
    }
}

/// After the database was restored from a backup: raises the versions of all accounts above those that were
/// given out since.
///
/// # Errors
/// When the database fails.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    store::raise_versions(tx, by).await
}

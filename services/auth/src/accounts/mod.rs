//! Accounts: who can sign in, and signing in with a user name and a password.

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
pub(crate) use devices::{forget_devices, is_device_of};
use events::OutboxError;
pub use sign_in::{SignInError, SignInRequest, SignedIn, is_admitted, sign_in};
pub use snapshot::AccountsSnapshot;
pub(crate) use store::exists;
use uuid::Uuid;

use crate::app::App;

/// The aggregate type of an account's events.
pub(crate) const AGGREGATE: &str = "account";

/// Raises the version of an account under its row lock and writes the event that `event` makes of the new version.
/// Whether there is such an account; without one nothing is written.
///
/// Nothing else raises a version: one without an event would be a hole in the sequence of the account's events.
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

/// Writes an event at a version that does not come from the account: of somebody who has none, or the last one before the
/// account is deleted.
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

/// An outbox's failure as the database's: both roll the unit of work back.
pub(crate) fn outbox_error(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        OutboxError::Data { source, .. } => DbError::Other(sqlx::Error::Encode(source.into())),
    }
}

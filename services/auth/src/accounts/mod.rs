//! Accounts: who can sign in, and signing in with a user name and a password.

mod devices;
mod sign_in;
mod snapshot;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
pub use devices::remember_device;
use events::{EventData, OutboxError};
pub use sign_in::{SignIn, SignInError, SignedIn, sign_in};
pub use snapshot::AccountsSnapshot;
pub(crate) use store::exists;
use uuid::Uuid;

use crate::app::App;

/// The aggregate type of an account's events.
pub(crate) const AGGREGATE: &str = "account";

/// Writes an event of an account at the version that [`store::next_version`] gave.
pub(crate) async fn tell<T: EventData>(
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

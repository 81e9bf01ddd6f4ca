//! Known devices: a browser or program in which a person signed in before is counted for itself when a sign-in fails.

use chassis::db::{Connection, DbError, Tx};
use chassis::secret::Token;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::throttle::{self, Key};

/// Devices that an account knows at most. One more takes the place of that which was not used for longest.
pub const MAX_DEVICES: i64 = 10;

/// Makes a token that marks a browser or program as known to this account, to be kept by it for long. Only its hash
/// is stored. It proves nothing but an earlier sign-in (SB-7), and ends with every session of the account. To be called
/// under the account's row lock, which a session that starts holds.
///
/// # Errors
/// When the database fails.
pub async fn remember_device(app: &App, tx: &mut Tx, account: Uuid) -> Result<Token, DbError> {
    let token = app.random.token();
    store::insert_device(tx, &token.hash(), account, app.clock.now()).await?;
    store::trim_devices(tx, account, MAX_DEVICES).await?;
    Ok(token)
}

/// Whether somebody has signed in to this account with the browser or program that keeps `device`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_device_of(
    db: &mut impl Connection,
    device: &Token,
    account: Uuid,
) -> Result<bool, DbError> {
    store::has_device(db, &device.hash(), account).await
}

/// Forgets every device of an account, and their failures.
///
/// # Errors
/// When the database fails.
pub(crate) async fn forget_devices(tx: &mut Tx, account: Uuid) -> Result<(), DbError> {
    store::delete_devices(tx, account).await?;
    throttle::store::clear(tx, &Key::devices(account)).await
}

//! Known devices: a browser or program that signed in before has its own throttle counter (SB-7).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::Token;
use uuid::Uuid;

use super::{Accounts, store};
use crate::throttle::{self, Key};

/// The number of devices that an account knows at most. A new one replaces the least recently used.
pub const MAX_DEVICES: i64 = 10;

/// The time for which a device is known, which is the lifetime of its cookie.
const DEVICE_RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);

impl Accounts {
    /// Issues a device token, which marks a browser or program as known to this account. Only its hash is stored.
    /// It proves an earlier sign-in and nothing else (SB-7). It ends when all sessions of the account are ended.
    /// The caller holds the row lock of the account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember_device(&self, tx: &mut Tx, account: Uuid) -> Result<Token, DbError> {
        let token = self.random.token();
        store::insert_device(tx, &token.hash(), account, self.clock.now()).await?;
        store::trim_devices(tx, account, MAX_DEVICES).await?;
        Ok(token)
    }
}

/// The account that knows a device by this token.
///
/// # Errors
/// When the database fails.
pub(crate) async fn account_of_device(
    db: &mut impl Connection,
    device: &Token,
) -> Result<Option<Uuid>, DbError> {
    store::account_of_device(db, &device.hash()).await
}

/// Deletes every known device of an account and their failure counter.
///
/// # Errors
/// When the database fails.
pub(crate) async fn forget_devices(tx: &mut Tx, account: Uuid) -> Result<(), DbError> {
    store::delete_devices(tx, account).await?;
    throttle::clear(tx, &Key::devices(account)).await
}

/// Deletes every known device, because the database was restored from a backup. A device that was deleted
/// after the backup would be exempt from delays again.
///
/// # Errors
/// When the database fails.
pub(crate) async fn forget_all_devices(tx: &mut Tx) -> Result<(), DbError> {
    store::delete_all_devices(tx).await
}

/// Deletes the devices whose time is over.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep_devices(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::sweep_devices(tx, now - DEVICE_RETENTION).await
}

//! Stored hashes that are not of argon2id at the configured cost: their upgrade at a sign-in, and the log line of one that
//! cannot be read.

use chassis::db::DbError;
use metrics::counter;
use password_hashes::{ImportError, ImportedHash, Scheme};
use uuid::Uuid;

use super::Accounts;
use crate::credentials::{self, Password};

/// Logs that a stored hash is of a scheme or form that this version does not know. The error has nothing of the hash.
pub(super) fn log_unverifiable(account: Option<Uuid>, error: ImportError) {
    tracing::error!(
        user.id = account.map(|id| id.to_string()),
        error.message = %error,
        "stored password hash cannot be verified by this version: sign-in refused"
    );
}

/// Replaces a password hash by one of argon2id at the configured cost. A failure is logged and does not fail the sign-in.
pub(super) async fn upgrade(accounts: &Accounts, account: Uuid, old: &str, password: Password) {
    let Ok(new) = accounts.hasher.hash(password).await else {
        return;
    };
    let stored = async {
        let mut tx = accounts.db.begin("rehash").await?;
        let replaced = credentials::rehash(&mut tx, account, old, &new).await?;
        tx.commit().await?;
        Ok::<_, DbError>(replaced)
    };
    match stored.await {
        Ok(true) => {
            let scheme = ImportedHash::parse(old)
                .map_or(Scheme::Argon2, |hash| hash.scheme())
                .name();
            counter!("vestibule_password_upgrades_total", "scheme" => scheme).increment(1);
        }
        // Another sign-in was faster, or the password has changed.
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(user.id = %account, %error, "password hash could not be upgraded");
        }
    }
}

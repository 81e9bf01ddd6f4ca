//! The import of password hashes that other systems made: of one account, and of a batch.
//!
//! A hash is parsed and its cost is bounded before a transaction begins. It is verified and upgraded to argon2id at the next
//! sign-in of its owner (`credentials/verification.rs`, `accounts/stored_hash.rs`).

mod batch;
#[cfg(test)]
mod tests;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::secret::{ExposeSecret, SecretString};
use contract::SessionEnd;
use metrics::counter;
use password_hashes::{ImportError, ImportedHash};
use uuid::Uuid;

pub use batch::{MAX_BATCH, NewCredential, RowError, RowOutcome};

use crate::accounts::{self, Accounts};
use crate::credentials::{self, Hasher};
use crate::sessions::Sessions;
use crate::setup_links;

/// The reason why the password hash of an account was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The hash is refused.
    #[error(transparent)]
    Hash(#[from] ImportError),
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Imports password hashes.
#[derive(Clone)]
pub struct CredentialImport {
    db: Db,
    clock: SharedClock,
    accounts: Accounts,
    sessions: Sessions,
    hasher: Hasher,
}

impl CredentialImport {
    /// An import into these accounts. `hasher` will verify what is imported.
    pub fn new(
        (db, clock): (Db, SharedClock),
        (accounts, sessions): (Accounts, Sessions),
        hasher: Hasher,
    ) -> Self {
        Self {
            db,
            clock,
            accounts,
            sessions,
            hasher,
        }
    }

    /// Sets or replaces the password hash of an account. Another hash than before ends all sessions and grants of the account.
    /// The same hash changes nothing.
    ///
    /// # Errors
    /// [`ReplaceError::Hash`] when the hash is refused, [`ReplaceError::NotFound`] when there is no such account.
    pub async fn replace(&self, account: Uuid, text: &SecretString) -> Result<(), ReplaceError> {
        let hash = self.parse(text)?;
        let text = hash.to_string();
        let mut tx = self.db.begin("admin_import_credential").await?;
        if !accounts::lock(&mut tx, account).await? {
            return Err(ReplaceError::NotFound);
        }
        let before = credentials::find_hash(&mut tx, account).await?;
        if before.as_ref() == Some(&text) {
            return Ok(());
        }
        credentials::set_password(&mut tx, account, &text, self.clock.now()).await?;
        // Nobody chooses another one with a link from before.
        setup_links::delete_by_account(&mut tx, account).await?;
        if before.is_some() {
            self.sessions
                .end_all(&mut tx, account, SessionEnd::PasswordChanged)
                .await?;
        }
        self.accounts.append_password_added(&mut tx, account).await?;
        tx.commit().await?;
        count_imported(&hash);
        Ok(())
    }

    fn parse(&self, text: &SecretString) -> Result<ImportedHash, ImportError> {
        ImportedHash::import(text.expose_secret(), self.hasher.max_memory_bytes())
    }
}

fn count_imported(hash: &ImportedHash) {
    counter!("vestibule_password_hashes_imported_total", "scheme" => hash.scheme().name()).increment(1);
}

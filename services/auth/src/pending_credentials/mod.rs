//! Pending credentials: passwords that come with a change of a user over SCIM (RFC 7643 §4.1.1).
//!
//! 1. The user service sends the password here, before it commits the change. It is checked, hashed and stored under an id.
//! 2. The user service commits the change. The new state of the user has that id as `credential_id`.
//! 3. When the state arrives here, the hash becomes the password of the account ([`consume`]), once.
//!
//! A pending credential that no state names is of no use. After [`LIFETIME`] this service asks the user service for the current state of
//! the user, and deletes the credential when that does not name it. When it does, its event is late, and the credential is kept.

mod named_credentials;
mod store;
mod sweeper;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::secret::SecretString;
use contract::{EmailAddress, PersonName, UserName};
pub(crate) use store::{consume, delete_by_user};
pub(crate) use sweeper::PendingCredentialSweeper;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use crate::credentials::{HashError, NewPasswordError, Passwords, PersonalContext, Weakness};

/// The lifetime of a pending credential that no state names.
pub const LIFETIME: Duration = Duration::from_secs(3600);

/// The time for which a request waits while others are hashed.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// A password, and what its strength is checked against.
#[derive(Debug)]
pub struct NewPendingCredential {
    /// The user whose password it will be.
    pub user_id: Uuid,
    /// The password.
    pub password: SecretString,
    /// The user name.
    pub user_name: UserName,
    /// The e-mail address.
    pub email: Option<EmailAddress>,
    /// The parts of the name.
    pub name: PersonName,
}

/// The reason why a password was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PendingCredentialError {
    /// The password is too weak.
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// Too many passwords wait to be hashed.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// The time until another attempt makes sense.
        retry_after: Duration,
    },
    /// The id is that of another user's credential.
    #[error("the id is that of another user's credential")]
    Conflict,
    /// The pool that hashes passwords failed.
    #[error("the password could not be hashed")]
    Hash,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<NewPasswordError> for PendingCredentialError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Weak(weakness) => weakness.into(),
            NewPasswordError::Hash(HashError::QueueFull { retry_after }) => Self::Busy { retry_after },
            NewPasswordError::Hash(HashError::Failed) => Self::Hash,
        }
    }
}

/// The pending credentials of this installation.
#[derive(Clone)]
pub struct PendingCredentials {
    db: Db,
    clock: SharedClock,
    passwords: Passwords,
    /// One permit for each thread of the pool, so that provisioning fills no queue in which people wait who sign in.
    permits: Arc<Semaphore>,
}

impl PendingCredentials {
    /// The pending credentials that stand in `db`. `threads` is the number of threads that hash.
    pub fn new(db: Db, clock: SharedClock, passwords: Passwords, threads: usize) -> Self {
        Self {
            db,
            clock,
            passwords,
            permits: Arc::new(Semaphore::new(threads.max(1))),
        }
    }

    /// Checks a password and stores its hash under `id`. The same id again replaces it.
    ///
    /// # Errors
    /// [`PendingCredentialError::Weak`] when the rules for passwords refuse it. [`PendingCredentialError::Busy`] when too many
    /// wait.
    pub async fn put(&self, id: Uuid, new: NewPendingCredential) -> Result<(), PendingCredentialError> {
        let password = self.passwords.check_length(&new.password)?;
        let busy = || PendingCredentialError::Busy {
            retry_after: MAX_WAIT,
        };
        let permit = timeout(MAX_WAIT, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let person = PersonalContext {
            user_name: new.user_name.as_str(),
            email: new.email.as_ref().map(EmailAddress::as_str),
            name: Some(&new.name),
        };
        let hash = self.passwords.check_and_hash(password, &person).await?;
        let mut tx = self.db.begin("pending_credential").await?;
        let expires_at = self.clock.now() + LIFETIME;
        if !store::upsert(&mut tx, id, new.user_id, &hash, expires_at).await? {
            return Err(PendingCredentialError::Conflict);
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a pending credential, because the change that it belongs to was not made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, id: Uuid) -> Result<(), DbError> {
        let mut tx = self.db.begin("cancel_pending_credential").await?;
        store::delete(&mut tx, id).await?;
        tx.commit().await
    }
}

//! Sign-in with a user name and a password.
//!
//! Two reads come first. Then one transaction reserves the guess, before the password is hashed (SB-46). A
//! failure is recorded in another transaction. After a success the transaction that starts the session
//! releases the reservation. The statements and the number of hashes are the same for every user name, known
//! or not (SB-8).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};

use chassis::secret::{SecretString, Token, TokenHash};
use uuid::Uuid;

use super::Accounts;
use super::attempt::Attempt;
use crate::credentials::HashError;
use crate::throttle::{self, Key, ReserveError};
use chassis::http::ClientInfo;

/// A request to sign in.
#[derive(Clone, Debug)]
pub struct SignInRequest {
    /// The user name as typed.
    pub user_name: String,
    /// The password as typed.
    pub password: SecretString,
    /// The address and user agent of the caller.
    pub client: ClientInfo,
    /// The device token from an earlier sign-in, when the caller sent one.
    pub device: Option<Token>,
}

/// A successful authentication, from which `Sessions::start` starts a session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account, which has the id of the user.
    pub account_id: Uuid,
    /// The time of the authentication (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// The authentication methods (RFC 8176): `pwd`.
    pub amr: Vec<String>,
    /// True if the device token belongs to this account. If not, [`Accounts::remember_device`] issues one.
    pub known_device: bool,
    /// The time at which the verified password was set. No session starts when the password was changed after
    /// this.
    pub(crate) password_of: Timestamp,
    /// The known device.
    pub(crate) device: Option<TokenHash>,
    /// The failure counters that are deleted when the session starts.
    pub(crate) counters_to_clear: Vec<Key>,
    /// The counter that is decremented by this guess when the session starts. Failures of other people stay
    /// counted.
    pub(crate) counter_to_release: Option<Key>,
}

impl SignedIn {
    /// The authentication of a person who has just chosen the password of an account, without [`Accounts::sign_in`].
    pub fn by_password(account_id: Uuid, auth_time: Timestamp) -> Self {
        Self {
            account_id,
            auth_time,
            amr: vec!["pwd".to_owned()],
            known_device: false,
            password_of: auth_time,
            device: None,
            counters_to_clear: Vec::new(),
            counter_to_release: None,
        }
    }

    /// Clears the failures before this authentication and releases its own guess.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn clear_failures(&self, tx: &mut Tx) -> Result<(), DbError> {
        for key in &self.counters_to_clear {
            throttle::clear(tx, key).await?;
        }
        if let Some(key) = &self.counter_to_release {
            throttle::release(tx, key).await?;
        }
        Ok(())
    }
}

/// The reason why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The password is wrong, or the account is unknown or disabled. The caller cannot tell these apart
    /// (SB-8).
    #[error("the user name or the password is wrong")]
    InvalidCredentials,
    /// There were too many failures for this account or from this source.
    #[error("too many tries")]
    Throttled {
        /// The time until another attempt is admitted.
        retry_after: Duration,
    },
    /// The queue of the hashing pool is full.
    #[error("too many sign-ins at once")]
    Busy {
        /// The time until another attempt makes sense.
        retry_after: Duration,
    },
    /// The password is right, and the registration of the account is still pending.
    #[error("the account is being set up")]
    Pending {
        /// The registration, for `Registrations::status`.
        id: Uuid,
    },
    /// The pool that hashes passwords failed.
    #[error("the password could not be checked")]
    Hash,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::QueueFull { retry_after } => Self::Busy { retry_after },
            HashError::Failed => Self::Hash,
        }
    }
}

impl From<ReserveError> for SignInError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled { retry_after } => Self::Throttled { retry_after },
            ReserveError::Db(error) => Self::Db(error),
        }
    }
}

impl Accounts {
    /// True if an attempt would be admitted by the throttle now. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_admitted(&self, request: &SignInRequest) -> Result<bool, DbError> {
        Attempt::new(request).is_admitted(self).await
    }

    /// Signs in with a user name and a password.
    ///
    /// # Errors
    /// [`SignInError::InvalidCredentials`] after the same work whether or not the person exists or is disabled
    /// (SB-8).
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignedIn, SignInError> {
        let attempt = Attempt::new(&request);
        let outcome = attempt.run(self, &request).await;
        attempt.record_outcome(&outcome);
        outcome
    }
}

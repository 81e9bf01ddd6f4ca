//! The sign-in use case.
//!
//! Two reads, then the guess is counted in one transaction before the password is hashed (SB-46). A failure is noted in
//! another; a success leaves the giving back to the transaction that starts the session. Whoever is asked for, the same
//! statements run and one password is hashed (SB-8).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};

use chassis::secret::{SecretString, Token, TokenHash};
use uuid::Uuid;

use super::attempt::Attempt;
use crate::app::App;
use crate::credentials::HashError;
use crate::http::ClientInfo;
use crate::throttle::{self, Key, ReserveError};

/// A try to sign in.
#[derive(Clone, Debug)]
pub struct SignInRequest {
    /// The user name as typed.
    pub user_name: String,
    /// The password as typed.
    pub password: SecretString,
    /// Where the try comes from.
    pub client: ClientInfo,
    /// The device token that an earlier sign-in gave to this browser or program, if it sent one.
    pub device: Option<Token>,
}

/// A person who proved who they are; [`crate::sessions::start`] makes a session of it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account, which has the id of the user.
    pub account_id: Uuid,
    /// When the proof was given (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// How (RFC 8176): `pwd`.
    pub amr: Vec<String>,
    /// Whether the device token named a device of this account; when not, give it one with
    /// [`crate::accounts::remember_device`].
    pub known_device: bool,
    /// No session starts when the password was chosen anew after this.
    pub(crate) password_of: Timestamp,
    /// The known device.
    pub(crate) device: Option<TokenHash>,
    /// Failures that are forgotten when the session starts.
    pub(crate) counters_to_clear: Vec<Key>,
    /// Where the guess was counted and is taken back when the session starts: failures of others stay.
    pub(crate) counter_to_release: Option<Key>,
}

impl SignedIn {
    /// Somebody who proved who they are otherwise than by [`sign_in`]: by choosing the password of a new account.
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

    /// Forgets the failures before this proof, and its own guess.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn clear_failures(&self, tx: &mut Tx) -> Result<(), DbError> {
        for key in &self.counters_to_clear {
            throttle::store::clear(tx, key).await?;
        }
        if let Some(key) = &self.counter_to_release {
            throttle::store::release(tx, key).await?;
        }
        Ok(())
    }
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The pair is wrong, the person unknown or disabled: never told apart.
    #[error("the user name or the password is wrong")]
    InvalidCredentials,
    /// Too many failures, from here or for this account.
    #[error("too many tries")]
    Throttled {
        /// When another try is looked at.
        retry_after: Duration,
    },
    /// More sign-ins at once than passwords can be hashed.
    #[error("too many sign-ins at once")]
    Busy {
        /// When another try is worth it.
        retry_after: Duration,
    },
    /// The password is right and the account is still being set up.
    #[error("the account is being set up")]
    Pending {
        /// The registration, for [`crate::registration::status`].
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

/// Whether a try would be judged at this moment, and not be told to wait. Changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn is_admitted(app: &App, request: &SignInRequest) -> Result<bool, DbError> {
    Attempt::new(request).is_admitted(app).await
}

/// Checks a user name and a password.
///
/// # Errors
/// [`SignInError::InvalidCredentials`] after the same work whether or not the person exists or is disabled (SB-8).
pub async fn sign_in(app: &App, request: SignInRequest) -> Result<SignedIn, SignInError> {
    let attempt = Attempt::new(&request);
    let outcome = attempt.run(app, &request).await;
    attempt.record_outcome(&outcome);
    outcome
}

//! The sign-in use case.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::secret::{SecretString, Token};
use uuid::Uuid;

use crate::app::App;
use crate::http::ClientInfo;

/// A try to sign in.
#[derive(Debug)]
pub struct SignIn {
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
#[derive(Debug)]
pub struct SignedIn {
    /// The account, which has the id of the user.
    pub account_id: Uuid,
    /// When the proof was given (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// How (RFC 8176): `pwd`.
    pub amr: Vec<String>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The pair is wrong, the person unknown or disabled: never told apart.
    #[error("the user name or the password is wrong")]
    Wrong,
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
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Checks a user name and a password.
///
/// # Errors
/// [`SignInError::Wrong`] after the same time whether or not the person exists.
pub async fn sign_in(_app: &App, _try_: SignIn) -> Result<SignedIn, SignInError> {
    Err(SignInError::Wrong)
}

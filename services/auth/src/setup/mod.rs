//! One-time links: the set-up link that makes the first administrator, and invitations to choose a password.

use chassis::db::DbError;
use chassis::secret::{SecretString, Token};
use uuid::Uuid;

use crate::app::App;
use crate::registration::{NewAccount, RegisterError, Registered};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make the first administrator.
    Administrator,
    /// To choose the first password of an account.
    Invitation {
        /// Whose account.
        user_name: String,
    },
}

/// Why a link did nothing.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no such link, it was used, or it is too old: never told apart.
    #[error("this link is not valid any more")]
    NotValid,
    /// What was typed cannot be accepted; the link stays good.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<DbError> for SetupError {
    fn from(error: DbError) -> Self {
        Self::Register(error.into())
    }
}

/// What the link is for, if it is still good. Changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn inspect(_app: &App, _token: &Token) -> Result<Option<Purpose>, DbError> {
    Ok(None)
}

/// Makes the first administrator with a set-up link, which works once.
///
/// # Errors
/// [`SetupError::NotValid`] when the link is no good.
pub async fn make_administrator(
    _app: &App,
    _token: &Token,
    _new: NewAccount,
) -> Result<Registered, SetupError> {
    Err(SetupError::NotValid)
}

/// Chooses the password of an invited account, once. The account's id.
///
/// # Errors
/// [`SetupError::NotValid`] when the link is no good.
pub async fn choose_password(
    _app: &App,
    _token: &Token,
    _password: SecretString,
) -> Result<Uuid, SetupError> {
    Err(SetupError::NotValid)
}

//! Sign-in sessions: a browser's proof that a person signed in, an opaque token of which only the hash is stored.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::Token;
use uuid::Uuid;

use crate::accounts::SignedIn;
use crate::app::App;
use crate::http::ClientInfo;

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names the session in events, tokens (`sid`) and lists. Never a secret.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// When the person proved who they are (OpenID Connect Core §2).
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// A session just made, with the secret that goes into the cookie.
#[derive(Debug)]
pub struct Started {
    /// The session.
    pub session: Session,
    /// For the browser, once. Only its hash is stored.
    pub token: Token,
}

/// Why a session did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The account was disabled, or failed too often, while the password was checked: answer as for a wrong one.
    #[error("the account may not sign in now")]
    Refused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out.
    SignedOut,
    /// An administrator ended it.
    Administrator,
    /// The person was disabled.
    Disabled,
    /// The person was deleted.
    Deleted,
    /// It was not used for too long, or is too old.
    Expired,
}

/// Starts a session with a new id and token (SB-12). `tx` is committed by the caller.
///
/// # Errors
/// [`StartError::Refused`] when the account may no longer sign in.
pub async fn start(
    _app: &App,
    _tx: &mut Tx,
    _who: &SignedIn,
    _client: &ClientInfo,
) -> Result<Started, StartError> {
    Err(StartError::Refused)
}

/// The live session of `token`, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn find(_app: &App, _token: &Token) -> Result<Option<Session>, DbError> {
    Ok(None)
}

/// Ends one session and revokes what was granted in it. Whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn end(_app: &App, _tx: &mut Tx, _id: Uuid, _reason: EndReason) -> Result<bool, DbError> {
    Ok(false)
}

/// Ends every session of an account and revokes everything granted to it. How many sessions there were.
///
/// # Errors
/// When the database fails.
pub async fn end_all(
    _app: &App,
    _tx: &mut Tx,
    _account_id: Uuid,
    _reason: EndReason,
) -> Result<u64, DbError> {
    Ok(0)
}

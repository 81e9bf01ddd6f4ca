//! Authorization requests (RFC 6749 §4.1.1) that are saved while a person signs in.
//!
//! The address has a short random handle. The request stands in the database, so nobody can change it on the
//! way and its length does not matter. See `docs/decisions/0022-authorization-requests.md`.

mod settings;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod user_name_hint;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::{Token, TokenHash};

pub use settings::AuthorizationSettings;
pub use user_name_hint::user_name_hint;

use crate::app::App;
use crate::sessions::Session;
use crate::throttle;

/// The query parameter that has the handle.
pub const HANDLE_PARAMETER: &str = "authorization_request";

/// The size limit of a form-encoded authorization request, in bytes.
pub const MAX_REQUEST_BYTES: usize = 12 * 1024;

/// How long a request is saved for the person to sign in.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long an answered request may be answered again. A double click sends the browser to the endpoint
/// twice.
const ANSWERED_LIFETIME: Duration = Duration::from_secs(60);

/// The browser that an authorization request came from.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// Its unguessable cookie. A saved request is given to no other browser.
    pub cookie: &'a Token,
    /// Its session cookie, when it has one.
    pub session: Option<&'a Token>,
    /// Its address.
    pub ip: Option<IpAddr>,
}

/// A saved authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The parameters, form-encoded, as the client sent them.
    pub query: String,
    /// When it arrived.
    asked_at: Timestamp,
    /// SHA-256 of the session token that the browser had at that time.
    session_hash: Option<Vec<u8>>,
}

impl AuthorizationRequest {
    /// Whether the person signed in after the request arrived: `session` is newer, and its `token` differs
    /// from the one that the browser had at that time.
    pub fn is_answered_by(&self, session: &Session, token: &Token) -> bool {
        let same = |hash: &Vec<u8>| token.hash().matches(hash);
        session.auth_time >= self.asked_at && !self.session_hash.as_ref().is_some_and(same)
    }
}

/// Why a request cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Too many requests are saved already, from this source or in total.
    #[error("too many authorization requests wait for a sign-in")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Saves a request and returns its handle. The caller has checked its client and its redirection URI.
///
/// # Errors
/// [`SaveError::Full`].
pub async fn save(app: &App, query: &str, browser: Browser<'_>) -> Result<Token, SaveError> {
    let now = app.clock.now();
    let handle = app.random.token();
    let source = throttle::Key::subscriber(browser.ip);
    let settings = &app.settings.authorization;
    let limits = store::PendingLimits {
        per_source: i64::from(settings.waiting_per_source),
        total: i64::from(settings.waiting_in_all),
    };
    // This read rejects a flood before it competes with other requests for the lock of the insertion.
    if !store::has_capacity(&mut app.db.reader().await?, &source, limits, now).await? {
        return Err(count_rejection());
    }
    let row = store::NewRequestRow {
        handle: &handle.hash(),
        browser: &browser.cookie.hash(),
        session: browser.session.map(Token::hash),
        source: &source,
        query,
        now,
        expires_at: now + LIFETIME,
    };
    let mut tx = app.db.begin("authorization_request").await?;
    if !store::insert(&mut tx, &row, limits).await? {
        return Err(count_rejection());
    }
    tx.commit().await?;
    Ok(handle)
}

fn count_rejection() -> SaveError {
    metrics::counter!("vestibule_authorization_requests_refused_total").increment(1);
    SaveError::Full
}

/// The saved request of a handle, when it is still live and came from this browser.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    handle: &Token,
    browser: &Token,
) -> Result<Option<AuthorizationRequest>, DbError> {
    let now = app.clock.now();
    let mut reader = app.db.reader().await?;
    let row = store::find(&mut reader, &handle.hash(), &browser.hash(), now).await?;
    Ok(row.map(|row| AuthorizationRequest {
        query: row.query,
        asked_at: row.asked_at,
        session_hash: row.session_hash,
    }))
}

/// Shortens the life of a request that was answered, so that it makes room for others.
///
/// # Errors
/// When the database fails.
pub async fn mark_answered(app: &App, handle: &Token) -> Result<(), DbError> {
    let until = app.clock.now() + ANSWERED_LIFETIME;
    let mut tx = app.db.begin("authorization_request_answered").await?;
    store::expire_at(&mut tx, &TokenHash::of(handle.expose()), until).await?;
    tx.commit().await
}

/// Deletes expired requests. Returns their number.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    store::sweep(tx, app.clock.now()).await
}

/// Deletes every request, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn after_restore(tx: &mut Tx) -> Result<(), DbError> {
    store::delete_all(tx).await
}

//! Authorization requests (RFC 6749 §4.1.1) that are saved while a person signs in.
//!
//! The address has a short random handle. The request stands in the database, so nobody can change it on the
//! way and its length does not matter. See `docs/decisions/0022-authorization-requests.md`.

mod settings;
mod store;
#[cfg(test)]
mod tests;
mod user_name_hint;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use chassis::secret::{Token, TokenHash};

pub use settings::AuthorizationSettings;
pub(crate) use store::delete_all;

use crate::sessions::Session;
use crate::throttle;
use crate::tokens::Tokens;

/// The query parameter that has the handle.
pub const HANDLE_PARAMETER: &str = "authorization_request";

/// The size limit of a form-encoded authorization request, in bytes.
pub const MAX_REQUEST_BYTES: usize = 12 * 1024;

/// The time for which a request is saved for the person to sign in.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The time for which an answered request may be answered again. A double click sends the browser to the
/// endpoint twice.
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
    /// The time of its arrival.
    asked_at: Timestamp,
    /// SHA-256 of the session token that the browser had at that time.
    session_hash: Option<Vec<u8>>,
}

impl AuthorizationRequest {
    /// True if the person signed in after the request arrived: `session` is newer, and its `token` differs
    /// from the one that the browser had at that time.
    pub fn is_answered_by(&self, session: &Session, token: &Token) -> bool {
        let same = |hash: &Vec<u8>| token.hash().matches(hash);
        session.auth_time >= self.asked_at && !self.session_hash.as_ref().is_some_and(same)
    }
}

/// The reason why a request cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Too many requests are saved already, from this source or in total.
    #[error("too many authorization requests wait for a sign-in")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The authorization requests that wait for a sign-in.
#[derive(Clone)]
pub struct AuthorizationRequests {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    tokens: Tokens,
    settings: AuthorizationSettings,
}

impl AuthorizationRequests {
    /// The requests that stand in `db`. `tokens` verifies the hints in them.
    pub fn new(
        db: Db,
        clock: SharedClock,
        random: SharedRandom,
        tokens: Tokens,
        settings: AuthorizationSettings,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            tokens,
            settings,
        }
    }

    /// Saves a request and returns its handle. The caller has checked its client and its redirection URI.
    ///
    /// # Errors
    /// [`SaveError::Full`].
    pub async fn save(&self, query: &str, browser: Browser<'_>) -> Result<Token, SaveError> {
        let now = self.clock.now();
        let handle = self.random.token();
        let source = throttle::Key::subscriber(browser.ip);
        let settings = &self.settings;
        let limits = store::PendingLimits {
            per_source: i64::from(settings.waiting_per_source),
            total: i64::from(settings.waiting_in_all),
        };
        // This read rejects a flood before it competes with other requests for the lock of the insertion.
        if !store::has_capacity(&mut self.db.reader().await?, &source, limits, now).await? {
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
        let mut tx = self.db.begin("authorization_request").await?;
        if !store::insert(&mut tx, &row, limits).await? {
            return Err(count_rejection());
        }
        tx.commit().await?;
        Ok(handle)
    }

    /// The saved request of a handle, when it is still live and came from this browser.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(
        &self,
        handle: &Token,
        browser: &Token,
    ) -> Result<Option<AuthorizationRequest>, DbError> {
        let now = self.clock.now();
        let mut reader = self.db.reader().await?;
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
    pub async fn mark_answered(&self, handle: &Token) -> Result<(), DbError> {
        let until = self.clock.now() + ANSWERED_LIFETIME;
        let mut tx = self.db.begin("authorization_request_answered").await?;
        store::expire_at(&mut tx, &TokenHash::of(handle.expose()), until).await?;
        tx.commit().await
    }
}

fn count_rejection() -> SaveError {
    metrics::counter!("vestibule_authorization_requests_refused_total").increment(1);
    SaveError::Full
}

/// Deletes expired requests. Returns their number.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::sweep(tx, now).await
}

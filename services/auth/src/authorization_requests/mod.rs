//! Authorization requests (RFC 6749 §4.1.1) that are saved while a person signs in, and those that clients have pushed
//! (RFC 9126).
//!
//! The address has a short random handle. The request stands in the database, so nobody can change it on the
//! way and its length does not matter. See `docs/decisions/0022-authorization-requests.md`.

mod code;
mod pushed;
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

pub(crate) use code::RequestCode;
pub use pushed::PushedRequest;
pub(crate) use pushed::use_pushed;
pub use settings::AuthorizationSettings;

use crate::clients::Clients;
use crate::row_counts::{CountRows, RowCounts, RowLimits, Rows};
use crate::sessions::Session;
use crate::throttle;
use crate::tokens::Tokens;

/// The query parameter that has the handle.
pub const HANDLE_PARAMETER: &str = "authorization_request";

/// The size limit of a form-encoded authorization request, in bytes.
pub const MAX_REQUEST_BYTES: usize = 12 * 1024;

/// The time for which a request is saved for the person to sign in.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The time for which an answered request may be answered again, with the same code. A double click sends the browser to the
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

/// An authorization request to save.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest<'a> {
    /// The parameters, form-encoded.
    pub query: &'a str,
    /// The hash of the reference of the pushed request that it came of.
    pub pushed: Option<&'a [u8]>,
}

impl<'a> From<&'a str> for NewRequest<'a> {
    fn from(query: &'a str) -> Self {
        Self { query, pushed: None }
    }
}

/// A saved authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The parameters, form-encoded, as the client sent them.
    pub query: String,
    /// The hash of the reference of the pushed request that it came of.
    pub pushed: Option<Vec<u8>>,
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
    /// Too many requests are stored already, from this source, of this client or in total.
    #[error("too many authorization requests are stored")]
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
    clients: Clients,
    tokens: Tokens,
    settings: AuthorizationSettings,
    saved: RowCounts,
    pushed: RowCounts,
}

/// Saved requests, counted.
struct SavedRows<'a>(&'a AuthorizationRequests);

impl CountRows for SavedRows<'_> {
    async fn count(&self, rows: &Rows) -> Result<i64, DbError> {
        let source = match rows {
            Rows::OfSource(source) => Some(source),
            Rows::OfClient(_) | Rows::All => None,
        };
        store::count(&mut self.0.db.reader().await?, source, self.0.clock.now()).await
    }
}

impl AuthorizationRequests {
    /// The requests that stand in `db`. `tokens` verifies the hints in them, which are of `clients`.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        clients: Clients,
        tokens: Tokens,
        settings: AuthorizationSettings,
    ) -> Self {
        Self {
            db,
            saved: RowCounts::new(clock.clone()),
            pushed: RowCounts::new(clock.clone()),
            clock,
            random,
            clients,
            tokens,
            settings,
        }
    }

    /// Saves a request and returns its handle. The caller has checked its client and its redirection URI.
    ///
    /// # Errors
    /// [`SaveError::Full`].
    pub async fn save<'a>(
        &self,
        request: impl Into<NewRequest<'a>>,
        browser: Browser<'_>,
    ) -> Result<Token, SaveError> {
        let request = request.into();
        let now = self.clock.now();
        let handle = self.random.token();
        let source = throttle::Key::subscriber(browser.ip);
        let settings = &self.settings;
        let total = i64::from(settings.waiting_in_all);
        let limits = RowLimits {
            per_source: i64::from(settings.waiting_per_source),
            per_client: total,
            total,
        };
        let asker = (Some(&source), None);
        if !self.saved.claim(&SavedRows(self), asker, limits).await? {
            return Err(count_rejection());
        }
        let row = store::NewRequestRow {
            handle: &handle.hash(),
            browser: &browser.cookie.hash(),
            session: browser.session.map(Token::hash),
            source: &source,
            query: request.query,
            pushed: request.pushed,
            now,
            expires_at: now + LIFETIME,
        };
        let mut tx = self.db.begin_shared("authorization_request").await?;
        let inserted = store::insert(&mut tx, &row).await;
        tx.finish(inserted).await?;
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
            pushed: row.pushed_hash,
            asked_at: row.asked_at,
            session_hash: row.session_hash,
        }))
    }

    /// Shortens the life of a request that was answered with an error, so that it makes room for others. See [`Self::claim_code`] for
    /// one that gets a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_answered(&self, handle: &Token) -> Result<(), DbError> {
        let until = self.clock.now() + ANSWERED_LIFETIME;
        let mut tx = self.db.begin_shared("authorization_request_answered").await?;
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
    Ok(store::sweep(tx, now).await? + pushed::sweep(tx, now).await?)
}

/// Deletes every request, after the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    store::delete_all(tx).await?;
    pushed::delete_all(tx).await
}

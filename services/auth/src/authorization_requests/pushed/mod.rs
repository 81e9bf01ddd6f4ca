//! Pushed authorization requests (RFC 9126): stored under the hash of their reference, for one client, to be used once.
//!
//! A request is used when it gets a code and not when a browser comes with it, so that a page that is loaded twice, or by
//! a program that looks at links, does not spoil the sign-in (FAPI 2.0 Security Profile §5.3.2.2).

mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::{Token, TokenHash};
use oidc::authorize::PUSHED_REQUEST_SECONDS;

use super::{AuthorizationRequests, SaveError, count_rejection};
use crate::row_counts::{CountRows, RowLimits, Rows};
use crate::throttle;

/// The time for which a request URI may be used.
pub(crate) const PUSHED_LIFETIME: Duration = Duration::from_secs(PUSHED_REQUEST_SECONDS as u64);

/// The time for which an expired request is kept: a browser that came in time is about to have a saved request.
const SWEEP_MARGIN: Duration = Duration::from_secs(60);

/// An authorization request that a client has pushed.
#[derive(Clone, Copy, Debug)]
pub struct PushedRequest<'a> {
    /// The client.
    pub client_id: &'a str,
    /// The address of a client that did not prove who it is. Anybody can push in the name of such a client, so the number of
    /// requests from one address is limited as well.
    pub unauthenticated: Option<Option<IpAddr>>,
    /// The parameters, form-encoded.
    pub query: &'a str,
}

/// Pushed requests, counted.
struct PushedRows<'a>(&'a AuthorizationRequests);

impl CountRows for PushedRows<'_> {
    async fn count(&self, rows: &Rows) -> Result<i64, DbError> {
        store::count(&mut self.0.db.reader().await?, rows, self.0.clock.now()).await
    }
}

impl AuthorizationRequests {
    /// Stores a pushed request, and returns the reference of its request URI. The caller has checked it.
    ///
    /// # Errors
    /// [`SaveError::Full`] when too many requests of the client or of the address wait, or too many are stored.
    pub async fn push(&self, request: PushedRequest<'_>) -> Result<Token, SaveError> {
        let reference = self.random.token();
        let source = request.unauthenticated.map(throttle::Key::subscriber);
        let row = store::NewPushedRow {
            reference: &reference.hash(),
            client_id: request.client_id,
            source: source.as_ref(),
            query: request.query,
            now: self.clock.now(),
        };
        let settings = &self.settings;
        let limits = RowLimits {
            per_source: i64::from(settings.waiting_per_source),
            per_client: i64::from(settings.pushed_per_client),
            total: i64::from(settings.pushed_in_all),
        };
        let asker = (source.as_ref(), Some(request.client_id));
        if !self.pushed.claim(&PushedRows(self), asker, limits).await? {
            return Err(count_rejection());
        }
        let mut tx = self.db.begin_shared("push_authorization_request").await?;
        let inserted = store::insert(&mut tx, &row).await;
        tx.finish(inserted).await?;
        Ok(reference)
    }

    /// The parameters of a pushed request that its client may still use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_pushed(
        &self,
        reference: &TokenHash,
        client_id: &str,
    ) -> Result<Option<String>, DbError> {
        let now = self.clock.now();
        store::find(&mut self.db.reader().await?, reference, client_id, now).await
    }
}

/// Uses a pushed request, whose reference has the hash `reference`, for the code that is inserted in the same transaction.
/// `handle` is that of the saved request that came of it: a double click brings the same one twice, and both get the same code.
/// Returns false when it was used before.
///
/// # Errors
/// When the database fails.
pub(crate) async fn use_pushed(
    tx: &mut Tx,
    reference: &[u8],
    handle: Option<&Token>,
) -> Result<bool, DbError> {
    let handle = handle.map(Token::hash);
    let user = handle.as_ref().map_or(reference, TokenHash::as_bytes);
    store::mark_used(tx, reference, user, handle.is_some()).await
}

/// Deletes expired requests, except those that a saved request came of. Returns their number.
///
/// # Errors
/// When the database fails.
pub(super) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::sweep(tx, now).await
}

/// Deletes every request, after the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(super) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    store::delete_all(tx).await
}

//! The revocation list: what resource servers that verify tokens offline have to refuse before they expire (SB-47). See
//! `docs/decisions/0023-revocation-list.md`.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use serde::Serialize;
use uuid::Uuid;

use super::store;
use crate::app::App;

/// How far an answer reaches back behind the moment that was asked for: transactions commit later than the time that
/// they write, and the clocks of replicas differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// By how much a resource server may honour a token longer than its `exp`.
const LEEWAY: Duration = Duration::from_secs(30);

/// What was revoked, complete as of a moment.
#[derive(Debug, Serialize)]
pub struct Revocations {
    /// The moment, by the clock of this service: what to ask with next.
    pub as_of: Timestamp,
    /// Seconds for which an entry has to be kept, from the moment that it is received.
    pub keep_seconds: u64,
    /// Names the published key set: when it differs from the last one, fetch the keys again, for one may have been dropped.
    pub key_set: String,
    /// The grants (`gid` of their tokens) that were revoked.
    pub grants: Vec<Uuid>,
    /// The clients that were deleted.
    pub clients: Vec<DeletedClient>,
}

/// A client that was deleted. Another one may have got its id since.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct DeletedClient {
    /// The id.
    pub client_id: String,
    /// When: tokens that were issued up to then are void.
    pub deleted_at: Timestamp,
}

/// What was revoked since `since`, the `as_of` of an earlier answer; without it, everything of which a token can still
/// be valid.
///
/// # Errors
/// When the database fails.
pub async fn revocations(app: &App, since: Option<Timestamp>) -> Result<Revocations, DbError> {
    let now = app.clock.now();
    let keep = Duration::from_secs(u64::from(app.settings.tokens.access_seconds)) + LEEWAY + OVERLAP;
    // A clock that was set back would hide what is revoked from now on.
    let from = match since.filter(|since| *since <= now) {
        Some(since) => since - OVERLAP,
        None => now - keep,
    };
    let mut reader = app.db.reader().await?;
    Ok(Revocations {
        as_of: now,
        keep_seconds: keep.as_secs(),
        key_set: app.keys.current().etag().to_str().unwrap_or_default().to_owned(),
        grants: store::revoked_since(&mut reader, from).await?,
        clients: store::clients_deleted_since(&mut reader, from).await?,
    })
}

//! The revocation list: grants and clients whose tokens resource servers reject before they expire (SB-47).
//! See `docs/decisions/0023-revocation-list.md`.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use serde::Serialize;
use uuid::Uuid;

use super::{Grants, store};

/// The time by which a response reaches back before `since`. Transactions commit later than the time that
/// they write, and the clocks of replicas differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// The time for which a resource server may accept a token after its `exp`.
const LEEWAY: Duration = Duration::from_secs(30);

/// The revocation list, complete as of a time.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Revocations {
    /// The time by the clock of this service. The next request sends it as `since`.
    pub as_of: Timestamp,
    /// The time for which an entry has to be kept after it was received, in seconds.
    pub keep_seconds: u64,
    /// The tag of the published key set. When it differs from the last one, the keys have to be fetched
    /// again.
    pub key_set: String,
    /// The grants (`gid` of their tokens) that were revoked. A token of a client for itself has a `gid` of its own.
    pub grants: Vec<Uuid>,
    /// The clients that were deleted, or that something was taken from.
    pub clients: Vec<DeletedClient>,
}

/// A client that was deleted, or that may do less than before. Another one may have got its id since.
#[derive(Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub struct DeletedClient {
    /// The id.
    pub client_id: String,
    /// The time up to which the tokens that it was issued are void: some seconds after its deletion or change.
    pub deleted_at: Timestamp,
}

/// The time for which a revoked token of a client is kept after it has expired. Nobody accepts it any more.
pub(super) const REVOKED_TOKEN_RETENTION: Duration = LEEWAY.saturating_add(OVERLAP);

impl Grants {
    /// The revocations since `since`, the `as_of` of an earlier response. Without it the list has every
    /// revocation that can still concern a valid token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, DbError> {
        let now = self.clock.now();
        let keep = self.access_lifetime + LEEWAY + OVERLAP;
        // A `since` in the future is ignored: after the clock was set back it would hide new revocations.
        let from = match since.filter(|since| *since <= now) {
            Some(since) => since - OVERLAP,
            None => now - keep,
        };
        let mut reader = self.db.reader().await?;
        Ok(Revocations {
            as_of: now,
            keep_seconds: keep.as_secs(),
            key_set: self.keys.current().etag().to_str().unwrap_or_default().to_owned(),
            grants: store::revoked_since(&mut reader, from).await?,
            clients: store::clients_deleted_since(&mut reader, from).await?,
        })
    }
}

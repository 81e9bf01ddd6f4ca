//! The table `authorization_requests`. From now on a row is live for [`LIFETIME`] and the clock skew of
//! replicas at most, even when the clock was set back after it was written.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Handle, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

use super::LIFETIME;
use crate::throttle::Key;

/// The limits on the number of saved requests. The last quarter of the total is kept for sources with fewer
/// than [`SMALL_SOURCE`] requests, so that a few sources cannot take all places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingLimits {
    pub(crate) per_source: i64,
    pub(crate) total: i64,
}

const SMALL_SOURCE: i64 = 16;

impl PendingLimits {
    fn for_busy_sources(self) -> i64 {
        self.total - self.total / 4
    }
}

/// Selects true if the source `$1` has capacity at the time `$2`. `$3` is the limit per source, `$4` the
/// total, `$5` the total for sources with at least `$6` ([`SMALL_SOURCE`]) requests.
const HAS_CAPACITY: &str = "SELECT of_source < $3 AND in_all < CASE WHEN of_source < $6 THEN $4 ELSE $5 END
    FROM (SELECT (SELECT COUNT(*) FROM authorization_requests WHERE source = $1 AND expires_at > $2) AS of_source,
                 (SELECT COUNT(*) FROM authorization_requests WHERE expires_at > $2) AS in_all) AS waiting";

/// A request to insert.
pub(crate) struct NewRequestRow<'a> {
    pub(crate) handle: &'a TokenHash,
    pub(crate) browser: &'a TokenHash,
    pub(crate) session: Option<TokenHash>,
    pub(crate) source: &'a Key,
    pub(crate) query: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A stored request.
#[derive(sqlx_macros::FromRow)]
pub(crate) struct RequestRow {
    pub(crate) query: String,
    pub(crate) asked_at: Timestamp,
    pub(crate) session_hash: Option<Vec<u8>>,
}

/// True if one more request may be saved.
pub(crate) async fn has_capacity(
    db: &mut impl Connection,
    source: &Key,
    limits: PendingLimits,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_scalar(HAS_CAPACITY).bind(source.as_bytes()).bind(now)
        .bind(limits.per_source).bind(limits.total).bind(limits.for_busy_sources()).bind(SMALL_SOURCE).fetch_one(c).await?),
    )
}

/// Inserts a request within the limits. Returns whether it was inserted.
pub(crate) async fn insert(
    tx: &mut Tx,
    row: &NewRequestRow<'_>,
    limits: PendingLimits,
) -> Result<bool, DbError> {
    // Insertions are serialized, so that concurrent ones cannot all see the same last free place. SQLite has
    // one writer anyway.
    if let Handle::Postgres(c) = tx.handle() {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('authorization requests', 0))")
            .execute(c)
            .await?;
    }
    if !has_capacity(tx, row.source, limits, row.now).await? {
        return Ok(false);
    }
    let statement = "INSERT INTO authorization_requests
            (handle_hash, browser_hash, session_hash, source, query, asked_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let session = row.session.as_ref().map(TokenHash::as_bytes);
    on_engine!(tx, c => sqlx::query(statement)
        .bind(row.handle.as_bytes()).bind(row.browser.as_bytes()).bind(session).bind(row.source.as_bytes())
        .bind(row.query).bind(row.now).bind(row.expires_at).execute(c).await.map(drop)?);
    Ok(true)
}

/// The live request of a handle and a browser.
pub(crate) async fn find(
    db: &mut impl Connection,
    handle: &TokenHash,
    browser: &TokenHash,
    now: Timestamp,
) -> Result<Option<RequestRow>, DbError> {
    let statement = "SELECT query, asked_at, session_hash FROM authorization_requests
        WHERE handle_hash = $1 AND browser_hash = $2 AND expires_at > $3 AND expires_at <= $4";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(handle.as_bytes()).bind(browser.as_bytes())
        .bind(now).bind(now.latest(LIFETIME)).fetch_optional(c).await?),
    )
}

/// Lets a request expire at `until`, unless it expires earlier.
pub(crate) async fn expire_at(tx: &mut Tx, handle: &TokenHash, until: Timestamp) -> Result<(), DbError> {
    let statement =
        "UPDATE authorization_requests SET expires_at = $2 WHERE handle_hash = $1 AND expires_at > $2";
    on_engine!(tx, c => sqlx::query(statement).bind(handle.as_bytes()).bind(until).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes expired requests.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM authorization_requests WHERE expires_at <= $1 OR expires_at > $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now).bind(now.latest(LIFETIME)).execute(c).await?
        .rows_affected()),
    )
}

/// Deletes every request, after the database was restored from a backup.
pub(crate) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM authorization_requests").execute(c).await.map(drop)?);
    Ok(())
}

//! Stored authorization requests. A row is live from now on for [`LIFETIME`] at most, and what the clocks of two replicas
//! may differ by, whatever the clock did since it was written.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Handle, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

use super::LIFETIME;
use crate::throttle::Key;

/// How many requests may wait. The last quarter of all places is for sources of which fewer than [`SMALL_SOURCE`] wait, so that a
/// few sources cannot take all of them.
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

/// Whether `$1`, the source, gets a place at `$2` with the limits `$3` for one, `$4` in all, `$5` for those with [`SMALL_SOURCE`], `$6`.
const HAS_CAPACITY: &str = "SELECT of_source < $3 AND in_all < CASE WHEN of_source < $6 THEN $4 ELSE $5 END
    FROM (SELECT (SELECT COUNT(*) FROM authorization_requests WHERE source = $1 AND expires_at > $2) AS of_source,
                 (SELECT COUNT(*) FROM authorization_requests WHERE expires_at > $2) AS in_all) AS waiting";

/// A request about to be stored.
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
#[derive(sqlx::FromRow)]
pub(crate) struct RequestRow {
    pub(crate) query: String,
    pub(crate) asked_at: Timestamp,
    pub(crate) session_hash: Option<Vec<u8>>,
}

/// Whether one more may wait.
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

/// Stores a request if fewer than the limits wait. Whether it did.
pub(crate) async fn insert(
    tx: &mut Tx,
    row: &NewRequestRow<'_>,
    limits: PendingLimits,
) -> Result<bool, DbError> {
    // Insertions take turns, so that those that come at once cannot all see the same last free place. SQLite has one
    // writer anyway.
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

/// The request of a handle, for the browser that it came from.
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

/// Lets a request expire at `until`, unless it does before.
pub(crate) async fn expire_at(tx: &mut Tx, handle: &TokenHash, until: Timestamp) -> Result<(), DbError> {
    let statement =
        "UPDATE authorization_requests SET expires_at = $2 WHERE handle_hash = $1 AND expires_at > $2";
    on_engine!(tx, c => sqlx::query(statement).bind(handle.as_bytes()).bind(until).execute(c).await.map(drop)?);
    Ok(())
}

/// Removes requests that are over.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM authorization_requests WHERE expires_at <= $1 OR expires_at > $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now).bind(now.latest(LIFETIME)).execute(c).await?
        .rows_affected()),
    )
}

//! The table `authorization_requests`. From now on a row is live for [`LIFETIME`] and the clock skew of
//! replicas at most, even when the clock was set back after it was written.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

use super::LIFETIME;
use crate::throttle::Key;

/// A request to insert.
pub(crate) struct NewRequestRow<'a> {
    pub(crate) handle: &'a TokenHash,
    pub(crate) browser: &'a TokenHash,
    pub(crate) session: Option<TokenHash>,
    pub(crate) source: &'a Key,
    pub(crate) query: &'a str,
    pub(crate) pushed: Option<&'a [u8]>,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A stored request.
#[derive(sqlx_macros::FromRow)]
pub(crate) struct RequestRow {
    pub(crate) query: String,
    pub(crate) asked_at: Timestamp,
    pub(crate) session_hash: Option<Vec<u8>>,
    pub(crate) pushed_hash: Option<Vec<u8>>,
}

/// The number of live requests of a source, or of all.
pub(crate) async fn count(
    db: &mut impl Connection,
    source: Option<&Key>,
    now: Timestamp,
) -> Result<i64, DbError> {
    Ok(match source {
        None => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM authorization_requests WHERE expires_at > $1").bind(now).fetch_one(c).await?),
        Some(source) => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM authorization_requests WHERE expires_at > $1 AND source = $2")
            .bind(now).bind(source.as_bytes()).fetch_one(c).await?),
    })
}

/// Inserts a request.
pub(crate) async fn insert(tx: &mut Tx, row: &NewRequestRow<'_>) -> Result<(), DbError> {
    let statement = "INSERT INTO authorization_requests
            (handle_hash, browser_hash, session_hash, source, query, asked_at, expires_at, pushed_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let session = row.session.as_ref().map(TokenHash::as_bytes);
    on_engine!(tx, c => sqlx::query(statement)
        .bind(row.handle.as_bytes()).bind(row.browser.as_bytes()).bind(session).bind(row.source.as_bytes())
        .bind(row.query).bind(row.now).bind(row.expires_at).bind(row.pushed).execute(c).await.map(drop)?);
    Ok(())
}

/// The live request of a handle and a browser.
pub(crate) async fn find(
    db: &mut impl Connection,
    handle: &TokenHash,
    browser: &TokenHash,
    now: Timestamp,
) -> Result<Option<RequestRow>, DbError> {
    let statement = "SELECT query, asked_at, session_hash, pushed_hash FROM authorization_requests
        WHERE handle_hash = $1 AND browser_hash = $2 AND (expires_at > $3 AND expires_at <= $4) IS TRUE";
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

/// Lets a live request expire at `until`, unless it expires earlier, and locks it until the transaction ends. Returns false when it is
/// not live any more.
pub(crate) async fn claim(
    tx: &mut Tx,
    handle: &TokenHash,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbError> {
    let statement =
        "UPDATE authorization_requests SET expires_at = CASE WHEN expires_at > $2 THEN $2 ELSE expires_at END
        WHERE handle_hash = $1 AND (expires_at > $3 AND expires_at <= $4) IS TRUE";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(handle.as_bytes()).bind(until).bind(now)
        .bind(now.latest(LIFETIME)).execute(c).await?.rows_affected() == 1),
    )
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

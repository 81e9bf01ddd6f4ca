//! Stored counters of failures.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::{KEPT, Key, MOST_FAILURES, Tally};

/// Counts a failure; starts anew when the last one was before `forget_before`.
pub(crate) async fn count(
    tx: &mut Tx,
    key: &Key,
    now: Timestamp,
    forget_before: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO throttles (key, failures, failed_at) VALUES ($1, 1, $2)
        ON CONFLICT (key) DO UPDATE SET failed_at = excluded.failed_at,
            failures = CASE WHEN throttles.failed_at < $3 THEN 1 ELSE throttles.failures + 1 END";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).bind(forget_before)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The failures of `key` so far.
pub(crate) async fn find(db: &mut impl Connection, key: &Key) -> Result<Option<Tally>, DbError> {
    let statement = "SELECT failures, failed_at FROM throttles WHERE key = $1";
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(key.as_bytes()).fetch_optional(c).await?))
}

/// Forgets the failures of `key`.
pub(crate) async fn clear(tx: &mut Tx, key: &Key) -> Result<(), DbError> {
    let statement = "DELETE FROM throttles WHERE key = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes counters that were not touched for long. Those that are closed stay.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM throttles WHERE failed_at < $1 AND failures < $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now - KEPT).bind(MOST_FAILURES)
        .execute(c).await?.rows_affected()),
    )
}

//! The table `quotas`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

/// Claims one of `limit` uses in an hour, which begins with the first. Returns whether there was one left.
pub(crate) async fn claim(
    tx: &mut Tx,
    key: &TokenHash,
    limit: i64,
    now: Timestamp,
    hour_ago: Timestamp,
) -> Result<bool, DbError> {
    // An hour that begins in the future was written by a clock that was ahead. It counts as over (SB-50).
    let statement = "INSERT INTO quotas (key, used, began_at) VALUES ($1, 1, $2)
        ON CONFLICT (key) DO UPDATE
        SET used = CASE WHEN quotas.began_at <= $3 OR quotas.began_at > $2 THEN 1 ELSE quotas.used + 1 END,
            began_at = CASE WHEN quotas.began_at <= $3 OR quotas.began_at > $2 THEN $2 ELSE quotas.began_at END
        WHERE quotas.used < $4 OR quotas.began_at <= $3 OR quotas.began_at > $2";
    let taken = on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).bind(hour_ago).bind(limit)
        .execute(c).await?.rows_affected());
    Ok(taken == 1)
}

/// The usage of a quota in the current hour.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct QuotaUsage {
    pub(crate) used: i64,
    /// The time at which the hour began.
    pub(crate) began_at: Timestamp,
}

/// The usage of a quota in the current hour. Without a current hour nothing is used and the hour begins now.
pub(crate) async fn find_usage(
    db: &mut impl Connection,
    key: &TokenHash,
    now: Timestamp,
    hour_ago: Timestamp,
) -> Result<QuotaUsage, DbError> {
    let statement = "SELECT used, began_at FROM quotas WHERE key = $1 AND began_at > $2 AND began_at <= $3";
    let found: Option<QuotaUsage> = on_engine!(db, c => sqlx::query_as(statement).bind(key.as_bytes()).bind(hour_ago).bind(now)
        .fetch_optional(c).await?);
    Ok(found.unwrap_or(QuotaUsage {
        used: 0,
        began_at: now,
    }))
}

/// Releases one claim.
pub(crate) async fn release(tx: &mut Tx, key: &TokenHash) -> Result<(), DbError> {
    let statement = "UPDATE quotas SET used = used - 1 WHERE key = $1 AND used > 0";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes quotas whose hour began before `then`.
pub(crate) async fn sweep(tx: &mut Tx, then: Timestamp) -> Result<(), DbError> {
    let statement = "DELETE FROM quotas WHERE began_at <= $1";
    on_engine!(tx, c => sqlx::query(statement).bind(then).execute(c).await?.rows_affected());
    Ok(())
}

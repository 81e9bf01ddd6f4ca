//! Stored quotas.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

/// Takes one of `limit` places of an hour that begins with its first; false when all are taken.
pub(super) async fn take(
    tx: &mut Tx,
    key: &TokenHash,
    limit: i64,
    now: Timestamp,
    hour_ago: Timestamp,
) -> Result<bool, DbError> {
    // An hour that begins in the future was written by a clock that was ahead: it is over (SB-50).
    let statement = "INSERT INTO quotas (key, used, began_at) VALUES ($1, 1, $2)
        ON CONFLICT (key) DO UPDATE
        SET used = CASE WHEN quotas.began_at <= $3 OR quotas.began_at > $2 THEN 1 ELSE quotas.used + 1 END,
            began_at = CASE WHEN quotas.began_at <= $3 OR quotas.began_at > $2 THEN $2 ELSE quotas.began_at END
        WHERE quotas.used < $4 OR quotas.began_at <= $3 OR quotas.began_at > $2";
    let taken = on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).bind(hour_ago).bind(limit)
        .execute(c).await?.rows_affected());
    Ok(taken == 1)
}

/// When the hour began.
pub(super) async fn began(db: &mut impl Connection, key: &TokenHash) -> Result<Option<Timestamp>, DbError> {
    let statement = "SELECT began_at FROM quotas WHERE key = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(key.as_bytes()).fetch_optional(c).await?))
}

/// Gives one place back.
pub(super) async fn give_back(tx: &mut Tx, key: &TokenHash) -> Result<(), DbError> {
    let statement = "UPDATE quotas SET used = used - 1 WHERE key = $1 AND used > 0";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes what began before `then`.
pub(super) async fn sweep(tx: &mut Tx, then: Timestamp) -> Result<(), DbError> {
    let statement = "DELETE FROM quotas WHERE began_at <= $1";
    on_engine!(tx, c => sqlx::query(statement).bind(then).execute(c).await?.rows_affected());
    Ok(())
}

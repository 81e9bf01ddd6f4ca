//! The table `pending_credentials`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

/// Inserts or replaces a pending credential. Returns whether it is the user's: an id of another user's is left as it is.
pub(super) async fn upsert(
    tx: &mut Tx,
    id: Uuid,
    user: Uuid,
    hash: &str,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    let statement = "INSERT INTO pending_credentials (id, user_id, hash, expires_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at
        WHERE pending_credentials.user_id = excluded.user_id";
    let written = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(user).bind(hash).bind(expires_at)
        .execute(c).await?.rows_affected());
    Ok(written == 1)
}

/// Takes a pending credential of a user away. Returns its hash, once.
pub(crate) async fn consume(tx: &mut Tx, id: Uuid, user: Uuid) -> Result<Option<String>, DbError> {
    let statement = "DELETE FROM pending_credentials WHERE id = $1 AND user_id = $2 RETURNING hash";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).bind(user).fetch_optional(c).await?))
}

/// Deletes a pending credential.
pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let statement = "DELETE FROM pending_credentials WHERE id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes the pending credentials of a user.
pub(crate) async fn delete_by_user(tx: &mut Tx, user: Uuid) -> Result<(), DbError> {
    let statement = "DELETE FROM pending_credentials WHERE user_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

/// The ids and the users of those that have expired at `time`, `limit` at most.
pub(super) async fn expired(
    db: &mut impl Connection,
    time: Timestamp,
    limit: usize,
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    const EXPIRED: &str =
        "SELECT id, user_id FROM pending_credentials WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(on_engine!(db, c => sqlx::query_as(EXPIRED).bind(time).bind(limit).fetch_all(c).await?))
}

/// Deletes a pending credential, if it has expired at `time`. Returns whether it did.
pub(super) async fn delete_expired(tx: &mut Tx, id: Uuid, time: Timestamp) -> Result<bool, DbError> {
    let statement = "DELETE FROM pending_credentials WHERE id = $1 AND expires_at <= $2";
    let deleted =
        on_engine!(tx, c => sqlx::query(statement).bind(id).bind(time).execute(c).await?.rows_affected());
    Ok(deleted == 1)
}

/// Lets a pending credential that has expired at `time` expire at `at`.
pub(super) async fn postpone(tx: &mut Tx, id: Uuid, time: Timestamp, at: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE pending_credentials SET expires_at = $3 WHERE id = $1 AND expires_at <= $2";
    on_engine!(tx, c => sqlx::query(statement).bind(id).bind(time).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Lets those that would expire after `latest` expire at `at`.
pub(super) async fn correct_times(tx: &mut Tx, at: Timestamp, latest: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE pending_credentials SET expires_at = $1 WHERE expires_at > $2";
    on_engine!(tx, c => sqlx::query(statement).bind(at).bind(latest).execute(c).await?.rows_affected());
    Ok(())
}

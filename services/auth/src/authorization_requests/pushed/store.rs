//! The table `pushed_authorization_requests`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;

use super::{PUSHED_LIFETIME, SWEEP_MARGIN};
use crate::row_counts::Rows;
use crate::throttle::Key;

/// A request to insert.
pub(super) struct NewPushedRow<'a> {
    pub(super) reference: &'a TokenHash,
    pub(super) client_id: &'a str,
    pub(super) source: Option<&'a Key>,
    pub(super) query: &'a str,
    pub(super) now: Timestamp,
}

/// The number of stored requests. A source and the total have every row; a client has those that wait for their browsers.
pub(super) async fn count(db: &mut impl Connection, rows: &Rows, now: Timestamp) -> Result<i64, DbError> {
    Ok(match rows {
        Rows::All => {
            on_engine!(db, c => sqlx::query_scalar("SELECT COUNT(*) FROM pushed_authorization_requests")
            .fetch_one(c).await?)
        }
        Rows::OfSource(source) => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM pushed_authorization_requests WHERE source = $1")
            .bind(source.as_bytes()).fetch_one(c).await?),
        Rows::OfClient(id) => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM pushed_authorization_requests
                WHERE client_id = $1 AND used_by IS NULL AND expires_at > $2")
            .bind(id).bind(now).fetch_one(c).await?),
    })
}

/// Inserts a request.
pub(super) async fn insert(tx: &mut Tx, row: &NewPushedRow<'_>) -> Result<(), DbError> {
    let statement =
        "INSERT INTO pushed_authorization_requests (reference_hash, client_id, source, query, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    let source = row.source.map(Key::as_bytes);
    on_engine!(tx, c => sqlx::query(statement)
        .bind(row.reference.as_bytes()).bind(row.client_id).bind(source).bind(row.query)
        .bind(row.now + PUSHED_LIFETIME).execute(c).await.map(drop)?);
    Ok(())
}

/// The parameters of an unused, unexpired request of a client.
pub(super) async fn find(
    db: &mut impl Connection,
    reference: &TokenHash,
    client_id: &str,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    let statement = "SELECT query FROM pushed_authorization_requests
        WHERE reference_hash = $1 AND client_id = $2 AND used_by IS NULL AND (expires_at > $3 AND expires_at <= $4) IS TRUE";
    Ok(
        on_engine!(db, c => sqlx::query_scalar(statement).bind(reference.as_bytes()).bind(client_id)
        .bind(now).bind(now.latest(PUSHED_LIFETIME)).fetch_optional(c).await?),
    )
}

/// Marks a request as used by `user`. Returns false if it was used before, unless `repeats` is true and `user` was the one.
pub(super) async fn mark_used(
    tx: &mut Tx,
    reference: &[u8],
    user: &[u8],
    repeats: bool,
) -> Result<bool, DbError> {
    let statement = "UPDATE pushed_authorization_requests SET used_by = $2
        WHERE reference_hash = $1 AND (used_by IS NULL OR (used_by = $2 AND $3))";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(reference).bind(user).bind(repeats)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// Deletes expired requests of which no saved request is left. Returns their number.
pub(super) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM pushed_authorization_requests
        WHERE (expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM authorization_requests AS saved
                WHERE saved.pushed_hash = pushed_authorization_requests.reference_hash))
            OR expires_at > $2";
    Ok(on_engine!(tx, c => sqlx::query(statement)
        .bind(now - SWEEP_MARGIN).bind(now.latest(PUSHED_LIFETIME)).execute(c).await?.rows_affected()))
}

/// Deletes every request, after the database was restored from a backup.
pub(super) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM pushed_authorization_requests").execute(c).await.map(drop)?);
    Ok(())
}

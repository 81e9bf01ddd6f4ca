//! The table `tombstones`: the ids of users who were erased, which nobody gets again.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{UserDeleted, UserId};
use events::Span;
use events::reconcile::Held;

use super::delete;

/// Removes a person and keeps the id.
pub(crate) async fn insert_tombstone(tx: &mut Tx, gone: &UserDeleted) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO tombstones (id, version, deleted_at) VALUES ($1, $2, $3)";
    delete(tx, gone.id).await?;
    on_engine!(tx, c => sqlx::query(INSERT)
        .bind(gone.id)
        .bind(gone.version)
        .bind(gone.deleted_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// True if the id belonged to a person who was deleted.
pub(crate) async fn has_tombstone(connection: &mut impl Connection, id: UserId) -> Result<bool, DbError> {
    const FIND: &str = "SELECT version FROM tombstones WHERE id = $1";
    let row: Option<i64> =
        on_engine!(connection, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Records that `auth` erased what it held of a deleted person; `false` when there is no such tombstone, or the
/// erasure is known.
pub(crate) async fn record_erasure(tx: &mut Tx, id: UserId, at: Timestamp) -> Result<bool, DbError> {
    const RECORD: &str = "UPDATE tombstones SET erased_at = $2 WHERE id = $1 AND erased_at IS NULL";
    let rows = on_engine!(tx, c => sqlx::query(RECORD).bind(id).bind(at).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The tombstones after an id, in order of ids.
pub(crate) async fn tombstones_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserDeleted>, DbError> {
    const AFTER: &str = "SELECT id, version, deleted_at FROM tombstones WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<(UserId, i64, Timestamp)> =
        on_engine!(connection, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().map(tombstone).collect())
}

fn tombstone((id, version, deleted_at): (UserId, i64, Timestamp)) -> UserDeleted {
    UserDeleted {
        id,
        version,
        deleted_at,
    }
}

/// Those of the ids that are tombstones.
pub(crate) async fn tombstones_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<UserDeleted>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, version, deleted_at FROM tombstones
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, version, deleted_at FROM tombstones
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    let rows: Vec<(UserId, i64, Timestamp)> =
        on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?);
    Ok(rows.into_iter().map(tombstone).collect())
}

/// The first `limit` tombstones of a span whose erasure `auth` has reported, by id.
pub(crate) async fn erasures(reader: &mut Reader, span: Span, limit: i64) -> Result<Vec<Held>, DbError> {
    const ERASURES: &str = "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
         WHERE erased_at IS NOT NULL AND id > $1 AND id <= $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(reader, c => sqlx::query_as(ERASURES)
        .bind(span.after)
        .bind(span.through)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those of the tombstones whose erasure `auth` has reported.
pub(crate) async fn erasures_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<Held>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
                 WHERE erased_at IS NOT NULL AND id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
                   WHERE erased_at IS NOT NULL
                     AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

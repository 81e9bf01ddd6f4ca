//! Statements on `people` that only searches need.

use chassis::db::{Connection, DbError, Reader};
use chassis::on_engine;
use contract::UserId;

use super::super::values::Keyed;

/// True if there is a user after an id.
pub(super) async fn has_after(connection: &mut impl Connection, id: UserId) -> Result<bool, DbError> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE id > $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(ANY).bind(id).fetch_one(c).await?))
}

/// The first ids of those who are active, or not.
pub(super) async fn ids_by_active(
    reader: &mut Reader,
    active: bool,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const IDS: &str = "SELECT id FROM people WHERE active = $1 ORDER BY id LIMIT $2";
    Ok(on_engine!(reader, c => sqlx::query_scalar(IDS).bind(active).bind(limit).fetch_all(c).await?))
}

/// Those who are active, or not, after an id. Their key is empty.
pub(super) async fn by_active(
    reader: &mut Reader,
    active: bool,
    after: UserId,
    limit: i64,
) -> Result<Vec<Keyed>, DbError> {
    const AFTER: &str = "SELECT '', id, CAST(document AS TEXT) FROM people
         WHERE active = $1 AND id > $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(reader, c => sqlx::query_as(AFTER)
        .bind(active)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

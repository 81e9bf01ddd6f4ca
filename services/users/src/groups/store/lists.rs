//! Lists of groups, for SCIM, snapshots and reconcilers.

use chassis::db::{Connection, DbError, id_list};
use chassis::{on_engine, sql};
use contract::GroupId;
use events::{Span, Version};

use super::{Group, columns};

/// The number of groups.
pub(crate) async fn count(connection: &mut impl Connection) -> Result<i64, DbError> {
    const COUNT: &str = "SELECT count(*) FROM groups WHERE deleted_at IS NULL";
    Ok(on_engine!(connection, c => sqlx::query_scalar(COUNT).fetch_one(c).await?))
}

/// A page of groups, the earliest first.
pub(crate) async fn page(
    connection: &mut impl Connection,
    offset: i64,
    limit: i64,
) -> Result<Vec<Group>, DbError> {
    const PAGE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE deleted_at IS NULL ORDER BY id LIMIT $1 OFFSET $2"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(PAGE).bind(limit).bind(offset).fetch_all(c).await?))
}

/// The groups of these ids that are there, in order.
pub(crate) async fn of_ids(connection: &mut impl Connection, ids: &[GroupId]) -> Result<Vec<Group>, DbError> {
    let mut found = with_tombstones(connection, ids).await?;
    found.retain(|group| group.deleted_at.is_none());
    Ok(found)
}

/// The group whose name has this key.
pub(crate) async fn by_name_key(
    connection: &mut impl Connection,
    key: &str,
) -> Result<Option<Group>, DbError> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM groups WHERE name_key = $1");
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(key).fetch_optional(c).await?))
}

/// The first groups with this external identifier, in order.
pub(crate) async fn by_external_id(
    connection: &mut impl Connection,
    external_id: &str,
    limit: i64,
) -> Result<Vec<Group>, DbError> {
    const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE external_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(external_id).bind(limit).fetch_all(c).await?))
}

/// The groups after an id, in order.
pub(crate) async fn page_after(
    connection: &mut impl Connection,
    id: GroupId,
    limit: i64,
) -> Result<Vec<Group>, DbError> {
    const AFTER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?))
}

/// The groups and tombstones after an id, in order.
pub(crate) async fn after(
    connection: &mut impl Connection,
    id: GroupId,
    limit: i64,
) -> Result<Vec<Group>, DbError> {
    const AFTER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE id > $1 ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?))
}

/// The groups and tombstones of these ids, in order.
pub(crate) async fn with_tombstones(
    connection: &mut impl Connection,
    ids: &[GroupId],
) -> Result<Vec<Group>, DbError> {
    let statement = sql!(connection,
        sqlite: concat!("SELECT ", columns!(), " FROM groups
                         WHERE id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id"),
        postgres: concat!("SELECT ", columns!(), " FROM groups
                           WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))) ORDER BY id"),
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// The first `limit` versions of groups and tombstones in a span, by id.
pub(crate) async fn versions(
    connection: &mut impl Connection,
    span: Span,
    limit: i64,
) -> Result<Vec<Version>, DbError> {
    const VERSIONS: &str = "SELECT id, version FROM groups WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(connection, c => sqlx::query_as(VERSIONS)
        .bind(span.after)
        .bind(span.through)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

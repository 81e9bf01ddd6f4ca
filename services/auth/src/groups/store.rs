//! The table `groups`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{ADMINISTRATORS_ID, GroupDeleted, GroupId, GroupState};
use events::Span;
use events::reconcile::Held;
use sqlx::types::Json;

/// A group, with those that it is a member of.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct Group {
    /// The name.
    pub(super) name: String,
    /// The groups that it is a direct member of.
    pub(super) parents: Json<Vec<GroupId>>,
    /// True if it was deleted.
    pub(super) deleted: bool,
}

/// The groups and tombstones of these ids.
pub(super) async fn find_all(db: &mut impl Connection, ids: &[GroupId]) -> Result<Vec<Group>, DbError> {
    let statement = sql!(db,
        sqlite: "SELECT name, parents, deleted_at IS NOT NULL AS deleted FROM groups
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT name, parents, deleted_at IS NOT NULL AS deleted FROM groups
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// The ids of the groups that have these names.
pub(super) async fn ids_of_names(
    db: &mut impl Connection,
    names: &[String],
) -> Result<Vec<GroupId>, DbError> {
    let statement = sql!(db,
        sqlite: "SELECT id FROM groups WHERE deleted_at IS NULL AND name IN (SELECT value FROM json_each($1))",
        postgres: "SELECT id FROM groups WHERE deleted_at IS NULL
                     AND name = ANY (ARRAY(SELECT value FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = serde_json::Value::from(names).to_string();
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// True if any group is a member of the group that administers.
pub(crate) async fn any_in_administrators(db: &mut impl Connection) -> Result<bool, DbError> {
    // The condition is that of the partial index, so that the index is used.
    let statement = sql!(db,
        sqlite: "SELECT EXISTS (SELECT 1 FROM groups WHERE in_administrators = 1 AND deleted_at IS NULL)",
        postgres: "SELECT EXISTS (SELECT 1 FROM groups WHERE in_administrators AND deleted_at IS NULL)",
    );
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

const UPSERT: &str = "INSERT INTO groups (id, name, parents, in_administrators, version, updated_at, deleted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, parents = excluded.parents,
         in_administrators = excluded.in_administrators, version = excluded.version, updated_at = excluded.updated_at,
         deleted_at = excluded.deleted_at
     WHERE groups.version < excluded.version";

/// Inserts or updates the state of a group when it is newer.
pub(crate) async fn upsert_if_newer(tx: &mut Tx, state: &GroupState) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(UPSERT)
        .bind(state.id)
        .bind(&state.display_name)
        .bind(Json(&state.parents))
        .bind(state.parents.contains(&ADMINISTRATORS_ID))
        .bind(state.version)
        .bind(state.updated_at)
        .bind(None::<Timestamp>)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Makes a group a tombstone, unless something newer is known of it.
pub(crate) async fn insert_tombstone_if_newer(tx: &mut Tx, gone: &GroupDeleted) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(UPSERT)
        .bind(gone.id)
        .bind("")
        .bind(Json(Vec::<GroupId>::new()))
        .bind(false)
        .bind(gone.version)
        .bind(gone.deleted_at)
        .bind(Some(gone.deleted_at))
        .execute(c).await.map(drop)?);
    Ok(())
}

/// The first `limit` groups and tombstones of a span that the user service has told of, in the order of their ids.
pub(crate) async fn versions(reader: &mut Reader, span: Span, limit: i64) -> Result<Vec<Held>, DbError> {
    let statement =
        "SELECT id, version FROM groups WHERE id > $1 AND id <= $2 AND version > 0 ORDER BY id LIMIT $3";
    Ok(
        on_engine!(reader, c => sqlx::query_as(statement).bind(span.after).bind(span.through).bind(limit)
        .fetch_all(c).await?),
    )
}

/// Those of the groups and tombstones of these ids that the user service has told of.
pub(crate) async fn versions_by_ids(reader: &mut Reader, ids: &[GroupId]) -> Result<Vec<Held>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, version FROM groups WHERE version > 0 AND id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, version FROM groups
                   WHERE version > 0 AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

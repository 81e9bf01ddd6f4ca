//! The table `groups`.

pub(super) mod external_ids;
pub(super) mod graph;
pub(super) mod lists;
pub(super) mod members;
pub(super) mod refreshes;

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use contract::GroupId;
use sqlx::types::Json;

use super::{GroupAttributes, GroupName};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(crate) struct Group {
    /// The id.
    pub(crate) id: GroupId,
    /// The name for display.
    pub(crate) name: String,
    /// The identifier that the provisioning client uses.
    pub(crate) external_id: Option<String>,
    /// The identifiers that clients use, by the id of the client.
    #[sqlx(json)]
    pub(crate) external_ids: BTreeMap<String, String>,
    /// The version of the state, which its events carry.
    pub(crate) version: i64,
    /// Counts changes of the members as well.
    pub(crate) revision: i64,
    /// The time of the creation.
    pub(crate) created_at: Timestamp,
    /// The time of `version`.
    pub(crate) updated_at: Timestamp,
    /// The time of `revision`.
    pub(crate) changed_at: Timestamp,
    /// The time of the deletion. The row stays as a tombstone.
    pub(crate) deleted_at: Option<Timestamp>,
    /// The attributes of extensions.
    #[sqlx(json)]
    pub(crate) attributes: GroupAttributes,
}

/// The columns of [`Group`], for statements.
macro_rules! columns {
    () => {
        "id, name, external_id, external_ids, version, revision, created_at, updated_at, changed_at, deleted_at, attributes"
    };
}
use columns;

/// A group that is there.
pub(crate) async fn find(connection: &mut impl Connection, id: GroupId) -> Result<Option<Group>, DbError> {
    const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE id = $1 AND deleted_at IS NULL"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// The id of the group with exactly this name, which cannot be deleted until the transaction ends.
pub(crate) async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<GroupId>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT id FROM groups WHERE name = $1 AND deleted_at IS NULL",
        postgres: "SELECT id FROM groups WHERE name = $1 AND deleted_at IS NULL FOR KEY SHARE",
    );
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(name).fetch_optional(c).await?))
}

/// Those of the ids that are groups which are there, in order.
pub(crate) async fn existing(
    connection: &mut impl Connection,
    ids: &[GroupId],
) -> Result<Vec<GroupId>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id FROM groups WHERE deleted_at IS NULL
                     AND id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id",
        postgres: "SELECT id FROM groups WHERE deleted_at IS NULL
                       AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))) ORDER BY id",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// The groups of these ids that are there, which nobody else can change until the transaction ends. They are locked in the
/// order of their ids.
pub(super) async fn lock_all(tx: &mut Tx, ids: &[GroupId]) -> Result<Vec<Group>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: concat!("SELECT ", columns!(), " FROM groups WHERE deleted_at IS NULL
                             AND id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id"),
        postgres: concat!("SELECT ", columns!(), " FROM groups WHERE deleted_at IS NULL
                               AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                               ORDER BY id FOR NO KEY UPDATE"),
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// One group, as [`lock_all`]; nobody can begin to use it as one that is there either.
pub(super) async fn lock_for_deletion(tx: &mut Tx, id: GroupId) -> Result<Option<Group>, DbError> {
    let statement = sql!(tx,
        sqlite: concat!("SELECT ", columns!(), " FROM groups WHERE id = $1 AND deleted_at IS NULL"),
        postgres: concat!("SELECT ", columns!(), " FROM groups WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"),
    );
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(id).fetch_optional(c).await?))
}

/// Those of the groups that are there, in order, with their names. Nobody can delete them until the transaction ends.
pub(super) async fn lock_against_deletion(
    tx: &mut Tx,
    ids: &[GroupId],
) -> Result<Vec<(GroupId, String)>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT id, name FROM groups WHERE deleted_at IS NULL
                     AND id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id",
        postgres: "SELECT id, name FROM groups WHERE deleted_at IS NULL
                       AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                       ORDER BY id FOR KEY SHARE",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Inserts a group; `false` when its name is taken.
pub(super) async fn insert(tx: &mut Tx, group: &Group, name: &GroupName) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO groups
             (id, name, name_key, external_id, external_ids, version, revision, created_at, updated_at, changed_at, attributes)
         VALUES ($1, $2, $3, $4, $8, $5, $6, $7, $7, $7, $9) ON CONFLICT DO NOTHING";
    let rows = on_engine!(tx, c => sqlx::query(INSERT)
        .bind(group.id)
        .bind(name.as_str())
        .bind(name.key())
        .bind(&group.external_id)
        .bind(group.version)
        .bind(group.revision)
        .bind(group.created_at)
        .bind(Json(&group.external_ids))
        .bind(Json(&group.attributes))
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Writes what changed of a locked group, but for its name.
pub(super) async fn update(tx: &mut Tx, group: &Group) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE groups SET external_id = $2, external_ids = $7, version = $3, revision = $4, updated_at = $5, changed_at = $6,
             attributes = $8
         WHERE id = $1";
    on_engine!(tx, c => sqlx::query(UPDATE)
        .bind(group.id)
        .bind(&group.external_id)
        .bind(group.version)
        .bind(group.revision)
        .bind(group.updated_at)
        .bind(group.changed_at)
        .bind(Json(&group.external_ids))
        .bind(Json(&group.attributes))
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Gives a locked group another name, which is free.
///
/// # Errors
/// [`DbError::Unique`] when the name is taken.
pub(super) async fn rename(tx: &mut Tx, id: GroupId, name: &GroupName) -> Result<(), DbError> {
    const RENAME: &str = "UPDATE groups SET name = $2, name_key = $3 WHERE id = $1";
    on_engine!(tx, c => sqlx::query(RENAME).bind(id).bind(name.as_str()).bind(name.key()).execute(c).await?.rows_affected());
    Ok(())
}

/// Makes a locked group a tombstone. Its name becomes one with spaces, which is no user name, and which no statement of an
/// earlier release looks for.
pub(super) async fn insert_tombstone(
    tx: &mut Tx,
    id: GroupId,
    version: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    const DELETE: &str =
        "UPDATE groups SET name = $2, name_key = NULL, external_id = NULL, external_ids = '{}', attributes = '{}', version = $3,
             updated_at = $4, changed_at = $4, deleted_at = $4
         WHERE id = $1";
    let name = format!("deleted group {id}");
    external_ids::remove_all(tx, id).await?;
    on_engine!(tx, c => sqlx::query(DELETE).bind(id).bind(name).bind(version).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes a change of the members.
pub(super) async fn touch(tx: &mut Tx, id: GroupId, now: Timestamp) -> Result<(), DbError> {
    const TOUCH: &str = "UPDATE groups SET revision = revision + 1, changed_at = $2 WHERE id = $1";
    on_engine!(tx, c => sqlx::query(TOUCH).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Raises the versions of all groups and tombstones, after the database was restored from a backup.
pub(super) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    const RAISE: &str = "UPDATE groups SET version = version + $1, revision = revision + $1";
    on_engine!(tx, c => sqlx::query(RAISE).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

//! The table `group_external_ids`: the identifiers by which clients know groups (RFC 7643 §3.1).

use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use contract::GroupId;

use super::{Group, columns};

/// Gives an identifier of a client to a group; `false` when another group has it.
pub(in crate::groups) async fn insert(
    tx: &mut Tx,
    client: &str,
    external_id: &str,
    group: GroupId,
) -> Result<bool, DbError> {
    const INSERT: &str =
        "INSERT INTO group_external_ids (client_id, external_id, group_id) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING";
    let rows = on_engine!(tx, c => sqlx::query(INSERT)
        .bind(client)
        .bind(external_id)
        .bind(group)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Takes the identifier of a client away from a group.
pub(in crate::groups) async fn remove(tx: &mut Tx, client: &str, group: GroupId) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM group_external_ids WHERE client_id = $1 AND group_id = $2";
    on_engine!(tx, c => sqlx::query(REMOVE).bind(client).bind(group).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes every identifier away from a group.
pub(super) async fn remove_all(tx: &mut Tx, group: GroupId) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM group_external_ids WHERE group_id = $1";
    on_engine!(tx, c => sqlx::query(REMOVE).bind(group).execute(c).await?.rows_affected());
    Ok(())
}

/// The group to which a client gave an identifier.
pub(crate) async fn find(
    connection: &mut impl Connection,
    client: &str,
    external_id: &str,
) -> Result<Option<Group>, DbError> {
    const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM groups WHERE deleted_at IS NULL
             AND id = (SELECT group_id FROM group_external_ids WHERE client_id = $1 AND external_id = $2)"
    );
    Ok(
        on_engine!(connection, c => sqlx::query_as(FIND).bind(client).bind(external_id).fetch_optional(c).await?),
    )
}

/// True if a group but this one, to which a client gave no identifier, has one for everybody.
pub(in crate::groups) async fn is_inherited(
    tx: &mut Tx,
    client: &str,
    external_id: &str,
    group: GroupId,
) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM groups g WHERE g.external_id = $2 AND g.deleted_at IS NULL AND g.id <> $3
             AND NOT EXISTS (SELECT 1 FROM group_external_ids e WHERE e.group_id = g.id AND e.client_id = $1))";
    Ok(on_engine!(tx, c => sqlx::query_scalar(FIND)
        .bind(client)
        .bind(external_id)
        .bind(group)
        .fetch_one(c)
        .await?))
}

/// True if a client to which a group is known by no identifier of its own gave this one to another group.
pub(in crate::groups) async fn is_given(
    tx: &mut Tx,
    external_id: &str,
    group: GroupId,
) -> Result<bool, DbError> {
    // The index has the clients, which are few, in order.
    const FIND: &str = "WITH RECURSIVE clients (id) AS (
             SELECT min(client_id) FROM group_external_ids
             UNION ALL SELECT (SELECT min(client_id) FROM group_external_ids WHERE client_id > clients.id)
             FROM clients WHERE clients.id IS NOT NULL)
         SELECT EXISTS (
             SELECT 1 FROM clients c JOIN group_external_ids e ON e.client_id = c.id AND e.external_id = $1
             WHERE e.group_id <> $2 AND NOT EXISTS (
                 SELECT 1 FROM group_external_ids o WHERE o.group_id = $2 AND o.client_id = c.id))";
    Ok(on_engine!(tx, c => sqlx::query_scalar(FIND).bind(external_id).bind(group).fetch_one(c).await?))
}

/// The groups to which a client gave an identifier, the first ones in order.
pub(in crate::groups) async fn groups_of(
    tx: &mut Tx,
    client: &str,
    limit: i64,
) -> Result<Vec<GroupId>, DbError> {
    const GROUPS: &str =
        "SELECT group_id FROM group_external_ids WHERE client_id = $1 ORDER BY external_id LIMIT $2";
    Ok(on_engine!(tx, c => sqlx::query_scalar(GROUPS).bind(client).bind(limit).fetch_all(c).await?))
}

/// The clients that gave identifiers to groups.
///
/// # Errors
/// When the database fails.
pub(crate) async fn clients(connection: &mut impl Connection) -> Result<Vec<String>, DbError> {
    // The index has the clients, which are few, in order.
    const CLIENTS: &str = "WITH RECURSIVE clients (id) AS (
             SELECT min(client_id) FROM group_external_ids
             UNION ALL SELECT (SELECT min(client_id) FROM group_external_ids WHERE client_id > clients.id)
             FROM clients WHERE clients.id IS NOT NULL)
         SELECT id FROM clients WHERE id IS NOT NULL";
    Ok(on_engine!(connection, c => sqlx::query_scalar(CLIENTS).fetch_all(c).await?))
}

//! The tables `groups` and `group_members`.

use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use contract::UserId;
use uuid::Uuid;

/// The group with this name.
pub(crate) async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Uuid>, DbError> {
    const FIND: &str = "SELECT id FROM groups WHERE name = $1";
    Ok(on_engine!(tx, c => sqlx::query_scalar(FIND).bind(name).fetch_optional(c).await?))
}

/// True if a group has this name, without regard to case. `key` is in lower case.
pub(crate) async fn is_name(tx: &mut Tx, key: &str) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM groups WHERE lower(name) = $1)";
    Ok(on_engine!(tx, c => sqlx::query_scalar(FIND).bind(key).fetch_one(c).await?))
}

/// True if a person is a direct member of the group with this name.
pub(crate) async fn is_member(
    connection: &mut impl Connection,
    name: &str,
    person: UserId,
) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM group_members m JOIN groups g ON g.id = m.group_id
         WHERE g.name = $1 AND m.person_id = $2)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(name).bind(person).fetch_one(c).await?))
}

/// Puts a person into a group; nothing happens when they are in it.
pub(crate) async fn add_member(tx: &mut Tx, group: Uuid, person: UserId) -> Result<(), DbError> {
    const ADD: &str =
        "INSERT INTO group_members (group_id, person_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    on_engine!(tx, c => sqlx::query(ADD).bind(group).bind(person).execute(c).await?.rows_affected());
    Ok(())
}

//! The table `delegations`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list, lock_name};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};
use uuid::Uuid;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) to_user: Option<UserId>,
    pub(super) to_group: Option<GroupId>,
    pub(super) members_of: Option<GroupId>,
    pub(super) users_matching: Option<String>,
    pub(super) rights: String,
    pub(super) created_at: Timestamp,
}

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "id, to_user, to_group, members_of, users_matching, rights, created_at"
    };
}

/// Lets transactions that create delegations run one after another, so that each counts those of the others.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    lock_name(tx, "delegations").await
}

/// Inserts a delegation.
pub(super) async fn insert(tx: &mut Tx, row: &Row) -> Result<(), DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO delegations (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    on_engine!(tx, c => sqlx::query(INSERT)
        .bind(row.id)
        .bind(row.to_user)
        .bind(row.to_group)
        .bind(row.members_of)
        .bind(&row.users_matching)
        .bind(&row.rights)
        .bind(row.created_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Deletes a delegation, and returns it; `None` when there is no such one.
pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<Option<Row>, DbError> {
    const DELETE: &str = concat!("DELETE FROM delegations WHERE id = $1 RETURNING ", columns!());
    Ok(on_engine!(tx, c => sqlx::query_as(DELETE).bind(id).fetch_optional(c).await?))
}

/// The number of delegations.
pub(super) async fn count(tx: &mut Tx) -> Result<i64, DbError> {
    const COUNT: &str = "SELECT count(*) FROM delegations";
    Ok(on_engine!(tx, c => sqlx::query_scalar(COUNT).fetch_one(c).await?))
}

/// The number of delegations to the user or the group of a row, those to groups of the user aside.
pub(super) async fn count_of(tx: &mut Tx, row: &Row) -> Result<i64, DbError> {
    const COUNT: &str = "SELECT count(*) FROM delegations WHERE to_user = $1 OR to_group = $2";
    Ok(on_engine!(tx, c => sqlx::query_scalar(COUNT)
        .bind(row.to_user)
        .bind(row.to_group)
        .fetch_one(c)
        .await?))
}

/// One delegation.
pub(super) async fn find(reader: &mut Reader, id: Uuid) -> Result<Option<Row>, DbError> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM delegations WHERE id = $1");
    Ok(on_engine!(reader, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// The delegations after an id, in order.
pub(super) async fn after(reader: &mut Reader, id: Uuid, limit: i64) -> Result<Vec<Row>, DbError> {
    const AFTER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM delegations WHERE id > $1 ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(reader, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?))
}

/// The first delegations to a user, or to one of these groups, in order.
pub(super) async fn held_by(
    connection: &mut impl Connection,
    user: UserId,
    groups: &[GroupId],
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let statement = sql!(connection,
        sqlite: concat!("SELECT ", columns!(), " FROM delegations
                         WHERE to_user = $1 OR to_group IN (SELECT unhex(value) FROM json_each($2)) ORDER BY id LIMIT $3"),
        postgres: concat!("SELECT ", columns!(), " FROM delegations
                           WHERE to_user = $1
                              OR to_group = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value)))
                           ORDER BY id LIMIT $3"),
    );
    let list = id_list(groups.iter().copied());
    Ok(
        on_engine!(connection, c => sqlx::query_as(statement).bind(user).bind(list).bind(limit).fetch_all(c).await?),
    )
}

/// The users and the groups to which something is delegated.
pub(super) async fn holders(
    connection: &mut impl Connection,
) -> Result<(Vec<UserId>, Vec<GroupId>), DbError> {
    const HOLDERS: &str = "SELECT DISTINCT to_user, to_group FROM delegations";
    let rows: Vec<(Option<UserId>, Option<GroupId>)> =
        on_engine!(connection, c => sqlx::query_as(HOLDERS).fetch_all(c).await?);
    let (users, groups): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    Ok((
        users.into_iter().flatten().collect(),
        groups.into_iter().flatten().collect(),
    ))
}

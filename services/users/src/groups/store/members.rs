//! The table `group_members`: users that are direct members of groups.

use std::collections::HashMap;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};

/// A user that is a member, and the user name.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(crate) struct UserMember {
    /// The user.
    pub(crate) id: UserId,
    /// The name for display.
    pub(crate) name: String,
}

/// Adds a user to a group; `false` when they are in it.
pub(in crate::groups) async fn add(tx: &mut Tx, group: GroupId, user: UserId) -> Result<bool, DbError> {
    const ADD: &str =
        "INSERT INTO group_members (group_id, person_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let rows = on_engine!(tx, c => sqlx::query(ADD).bind(group).bind(user).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Removes users from a group. Returns those who were in it.
pub(in crate::groups) async fn remove(
    tx: &mut Tx,
    group: GroupId,
    users: &[UserId],
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM group_members WHERE group_id = $1
                     AND person_id IN (SELECT unhex(value) FROM json_each($2)) RETURNING person_id",
        postgres: "DELETE FROM group_members WHERE group_id = $1
                       AND person_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value)))
                   RETURNING person_id",
    );
    let list = id_list(users.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(group).bind(list).fetch_all(c).await?))
}

/// Those of the users that are direct members of a group.
pub(in crate::groups) async fn among(
    tx: &mut Tx,
    group: GroupId,
    users: &[UserId],
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT person_id FROM group_members WHERE group_id = $1
                     AND person_id IN (SELECT unhex(value) FROM json_each($2))",
        postgres: "SELECT person_id FROM group_members WHERE group_id = $1
                       AND person_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value)))",
    );
    let list = id_list(users.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(group).bind(list).fetch_all(c).await?))
}

/// The first `limit` members of a group that are not among `kept`.
pub(in crate::groups) async fn others(
    tx: &mut Tx,
    group: GroupId,
    kept: &[UserId],
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT person_id FROM group_members WHERE group_id = $1
                     AND person_id NOT IN (SELECT unhex(value) FROM json_each($2)) ORDER BY person_id LIMIT $3",
        postgres: "SELECT person_id FROM group_members WHERE group_id = $1
                       AND person_id <> ALL (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value)))
                   ORDER BY person_id LIMIT $3",
    );
    let list = id_list(kept.iter().copied());
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(group).bind(list).bind(limit).fetch_all(c).await?),
    )
}

/// The members of a group after an id, in order, with their names.
pub(crate) async fn after(
    connection: &mut impl Connection,
    group: GroupId,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserMember>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT p.id AS id, json_extract(p.document, '$.user_name') AS name
                 FROM group_members m JOIN people p ON p.id = m.person_id
                 WHERE m.group_id = $1 AND m.person_id > $2 ORDER BY m.person_id LIMIT $3",
        postgres: "SELECT p.id AS id, p.document ->> 'user_name' AS name
                   FROM group_members m JOIN people p ON p.id = m.person_id
                   WHERE m.group_id = $1 AND m.person_id > $2 ORDER BY m.person_id LIMIT $3",
    );
    Ok(
        on_engine!(connection, c => sqlx::query_as(statement).bind(group).bind(id).bind(limit).fetch_all(c).await?),
    )
}

/// The ids of the users in any of these groups after an id, each once, in order.
pub(crate) async fn of_any_after(
    connection: &mut impl Connection,
    groups: &[GroupId],
    id: UserId,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT DISTINCT person_id FROM group_members
                 WHERE group_id IN (SELECT unhex(value) FROM json_each($1)) AND person_id > $2
                 ORDER BY person_id LIMIT $3",
        // The first members of each group are enough.
        postgres: "SELECT DISTINCT m.person_id FROM jsonb_array_elements_text($1::jsonb) AS e(value)
                   CROSS JOIN LATERAL
                       (SELECT person_id FROM group_members WHERE group_id = e.value::uuid AND person_id > $2
                        ORDER BY person_id LIMIT $3) AS m
                   ORDER BY m.person_id LIMIT $3",
    );
    let list = id_list(groups.iter().copied());
    Ok(
        on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).bind(id).bind(limit).fetch_all(c).await?),
    )
}

/// The ids of the members of a group after an id, in order.
pub(in crate::groups) async fn ids_after(
    tx: &mut Tx,
    group: GroupId,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const AFTER: &str = "SELECT person_id FROM group_members WHERE group_id = $1 AND person_id > $2
         ORDER BY person_id LIMIT $3";
    Ok(on_engine!(tx, c => sqlx::query_scalar(AFTER).bind(group).bind(id).bind(limit).fetch_all(c).await?))
}

/// The groups that are there, with their names, of which these users are direct members.
pub(crate) async fn groups_of(
    connection: &mut impl Connection,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<(GroupId, String)>>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT m.person_id, g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id
                 WHERE g.deleted_at IS NULL AND m.person_id IN (SELECT unhex(value) FROM json_each($1))
                 ORDER BY m.person_id, g.id",
        postgres: "SELECT m.person_id, g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id
                   WHERE g.deleted_at IS NULL
                     AND m.person_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY m.person_id, g.id",
    );
    let list = id_list(users.iter().copied());
    let rows: Vec<(UserId, GroupId, String)> =
        on_engine!(connection, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?);
    let mut found: HashMap<UserId, Vec<(GroupId, String)>> = HashMap::new();
    for (user, group, name) in rows {
        found.entry(user).or_default().push((group, name));
    }
    Ok(found)
}

/// The groups that are there of which a user is a direct member, at most `limit`, in order.
pub(crate) async fn direct_groups(
    connection: &mut impl Connection,
    user: UserId,
    limit: i64,
) -> Result<Vec<GroupId>, DbError> {
    const FIND: &str = "SELECT g.id FROM group_members m JOIN groups g ON g.id = m.group_id
         WHERE m.person_id = $1 AND g.deleted_at IS NULL ORDER BY g.id LIMIT $2";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(user).bind(limit).fetch_all(c).await?))
}

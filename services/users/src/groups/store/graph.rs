//! The table `group_parents`: groups that are direct members of groups.

use std::collections::HashMap;

use chassis::db::{Connection, DbError, Tx, id_list, lock_name};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};

/// Lets one transaction at a time nest groups, until it ends: two that are right each by itself can make a circle together.
/// The first lock that a transaction takes.
pub(in crate::groups) async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    lock_name(tx, "graph of groups").await
}

/// Makes a group a member of another; `false` when it is one.
pub(in crate::groups) async fn add(tx: &mut Tx, parent: GroupId, group: GroupId) -> Result<bool, DbError> {
    const ADD: &str =
        "INSERT INTO group_parents (group_id, parent_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let rows =
        on_engine!(tx, c => sqlx::query(ADD).bind(group).bind(parent).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Ends the membership of a group in another; `false` when it is no member.
pub(in crate::groups) async fn remove(tx: &mut Tx, parent: GroupId, group: GroupId) -> Result<bool, DbError> {
    const REMOVE: &str = "DELETE FROM group_parents WHERE group_id = $1 AND parent_id = $2";
    let rows =
        on_engine!(tx, c => sqlx::query(REMOVE).bind(group).bind(parent).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Ends every membership of a group in others.
pub(in crate::groups) async fn remove_from_all(tx: &mut Tx, group: GroupId) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM group_parents WHERE group_id = $1";
    on_engine!(tx, c => sqlx::query(REMOVE).bind(group).execute(c).await?.rows_affected());
    Ok(())
}

/// The parents of these groups, each in order, deleted ones among them: what the states of the groups say.
pub(crate) async fn parents_of(
    connection: &mut impl Connection,
    groups: &[GroupId],
) -> Result<HashMap<GroupId, Vec<GroupId>>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT group_id, parent_id FROM group_parents
                 WHERE group_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY group_id, parent_id",
        postgres: "SELECT group_id, parent_id FROM group_parents
                   WHERE group_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY group_id, parent_id",
    );
    let list = id_list(groups.iter().copied());
    let rows: Vec<(GroupId, GroupId)> =
        on_engine!(connection, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?);
    let mut found: HashMap<GroupId, Vec<GroupId>> = HashMap::new();
    for (group, parent) in rows {
        found.entry(group).or_default().push(parent);
    }
    Ok(found)
}

/// The groups that are direct members of a group, after an id, in order, with their names.
pub(crate) async fn children_after(
    connection: &mut impl Connection,
    parent: GroupId,
    id: GroupId,
    limit: i64,
) -> Result<Vec<(GroupId, String)>, DbError> {
    const AFTER: &str = "SELECT g.id, g.name FROM group_parents p JOIN groups g ON g.id = p.group_id
         WHERE p.parent_id = $1 AND p.group_id > $2 AND g.deleted_at IS NULL ORDER BY p.group_id LIMIT $3";
    Ok(
        on_engine!(connection, c => sqlx::query_as(AFTER).bind(parent).bind(id).bind(limit).fetch_all(c).await?),
    )
}

/// Every membership of a group in a group that is there, from these groups upwards: the group and its parent.
pub(crate) async fn nestings_above(
    connection: &mut impl Connection,
    groups: &[GroupId],
    levels: i64,
) -> Result<Vec<(GroupId, GroupId)>, DbError> {
    let statement = sql!(connection,
        sqlite: "WITH RECURSIVE above (id, level) AS (
                     SELECT unhex(value), 0 FROM json_each($1)
                     UNION SELECT p.parent_id, above.level + 1 FROM above JOIN group_parents p ON p.group_id = above.id
                         WHERE above.level < $2)
                 SELECT DISTINCT p.group_id, p.parent_id FROM above JOIN group_parents p ON p.group_id = above.id
                     JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                     JOIN groups c ON c.id = p.group_id AND c.deleted_at IS NULL
                 ORDER BY p.group_id, p.parent_id",
        postgres: "WITH RECURSIVE above (id, level) AS (
                       SELECT value::uuid, CAST(0 AS BIGINT) FROM jsonb_array_elements_text($1::jsonb) AS e(value)
                       UNION SELECT p.parent_id, above.level + 1 FROM above JOIN group_parents p ON p.group_id = above.id
                           WHERE above.level < $2)
                   SELECT DISTINCT p.group_id, p.parent_id FROM above JOIN group_parents p ON p.group_id = above.id
                       JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                       JOIN groups c ON c.id = p.group_id AND c.deleted_at IS NULL
                   ORDER BY p.group_id, p.parent_id",
    );
    let list = id_list(groups.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_as(statement).bind(list).bind(levels).fetch_all(c).await?))
}

/// Those of the groups that are there, and all groups in them that are there.
pub(crate) async fn below(
    connection: &mut impl Connection,
    groups: &[GroupId],
    levels: i64,
) -> Result<Vec<GroupId>, DbError> {
    let statement = sql!(connection,
        sqlite: "WITH RECURSIVE below (id, level) AS (
                     SELECT id, 0 FROM groups
                         WHERE deleted_at IS NULL AND id IN (SELECT unhex(value) FROM json_each($1))
                     UNION SELECT g.id, below.level + 1 FROM below
                         JOIN group_parents p ON p.parent_id = below.id
                         JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                         WHERE below.level < $2)
                 SELECT DISTINCT id FROM below",
        postgres: "WITH RECURSIVE below (id, level) AS (
                       SELECT id, CAST(0 AS BIGINT) FROM groups
                           WHERE deleted_at IS NULL
                             AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                       UNION SELECT g.id, below.level + 1 FROM below
                           JOIN group_parents p ON p.parent_id = below.id
                           JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                           WHERE below.level < $2)
                   SELECT DISTINCT id FROM below",
    );
    let list = id_list(groups.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).bind(levels).fetch_all(c).await?))
}

/// The levels of groups above a group, of those that are there: 0 without a parent. `None` when `avoided` is the group or
/// above it. Looks `limit` levels up.
pub(in crate::groups) async fn levels_above(
    tx: &mut Tx,
    group: GroupId,
    avoided: GroupId,
    limit: i64,
) -> Result<Option<i64>, DbError> {
    const ABOVE: &str = "WITH RECURSIVE above (id, level) AS (
             SELECT id, CAST(0 AS BIGINT) FROM groups WHERE id = $1
             UNION SELECT g.id, above.level + 1 FROM above
                 JOIN group_parents p ON p.group_id = above.id
                 JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                 WHERE above.level < $3)
         SELECT CAST(max(level) AS BIGINT), CAST(coalesce(sum(CASE WHEN id = $2 THEN 1 ELSE 0 END), 0) AS BIGINT) FROM above";
    let (levels, found): (Option<i64>, i64) = on_engine!(tx, c => sqlx::query_as(ABOVE)
        .bind(group)
        .bind(avoided)
        .bind(limit)
        .fetch_one(c)
        .await?);
    Ok((found == 0).then(|| levels.unwrap_or_default()))
}

/// The levels of groups below a group, of those that are there. Looks `limit` levels down.
pub(in crate::groups) async fn levels_below(tx: &mut Tx, group: GroupId, limit: i64) -> Result<i64, DbError> {
    const BELOW: &str = "WITH RECURSIVE below (id, level) AS (
             SELECT id, CAST(0 AS BIGINT) FROM groups WHERE id = $1
             UNION SELECT g.id, below.level + 1 FROM below
                 JOIN group_parents p ON p.parent_id = below.id
                 JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                 WHERE below.level < $2)
         SELECT CAST(max(level) AS BIGINT) FROM below";
    let levels: Option<i64> =
        on_engine!(tx, c => sqlx::query_scalar(BELOW).bind(group).bind(limit).fetch_one(c).await?);
    Ok(levels.unwrap_or_default())
}

/// The groups of which a user is a member, directly and by groups in groups, at most `levels` up.
pub(in crate::groups) async fn effective_groups(
    connection: &mut impl Connection,
    user: UserId,
    levels: i64,
) -> Result<Vec<GroupId>, DbError> {
    const FIND: &str = "WITH RECURSIVE above (id, level) AS (
             SELECT g.id, CAST(0 AS BIGINT) FROM group_members m JOIN groups g ON g.id = m.group_id
                 WHERE m.person_id = $1 AND g.deleted_at IS NULL
             UNION SELECT g.id, above.level + 1 FROM above
                 JOIN group_parents p ON p.group_id = above.id
                 JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                 WHERE above.level < $2)
         SELECT DISTINCT id FROM above ORDER BY id";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(user).bind(levels).fetch_all(c).await?))
}

/// These groups, the group with a name, and the groups in them, at most `levels` down, with their names.
pub(in crate::groups) async fn with_groups_in_them(
    connection: &mut impl Connection,
    groups: &[GroupId],
    name: Option<&str>,
    levels: i64,
) -> Result<Vec<(GroupId, String)>, DbError> {
    let statement = sql!(connection,
        sqlite: "WITH RECURSIVE below (id, level) AS (
                     SELECT id, CAST(0 AS BIGINT) FROM groups WHERE deleted_at IS NULL
                         AND (name = $2 OR id IN (SELECT unhex(value) FROM json_each($1)))
                     UNION SELECT g.id, below.level + 1 FROM below
                         JOIN group_parents p ON p.parent_id = below.id
                         JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                         WHERE below.level < $3)
                 SELECT id, name FROM groups WHERE id IN (SELECT id FROM below)",
        postgres: "WITH RECURSIVE below (id, level) AS (
                       SELECT id, CAST(0 AS BIGINT) FROM groups WHERE deleted_at IS NULL
                           AND (name = $2 OR id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))))
                       UNION SELECT g.id, below.level + 1 FROM below
                           JOIN group_parents p ON p.parent_id = below.id
                           JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                           WHERE below.level < $3)
                   SELECT id, name FROM groups WHERE id IN (SELECT id FROM below)",
    );
    let list = id_list(groups.iter().copied());
    Ok(
        on_engine!(connection, c => sqlx::query_as(statement).bind(list).bind(name).bind(levels).fetch_all(c).await?),
    )
}

/// For each of some groups, the group itself and the groups in it, at most `levels` down, with their names.
pub(in crate::groups) async fn groups_in_each(
    connection: &mut impl Connection,
    groups: &[GroupId],
    levels: i64,
) -> Result<HashMap<GroupId, Vec<(GroupId, String)>>, DbError> {
    let statement = sql!(connection,
        sqlite: "WITH RECURSIVE below (root, id, level) AS (
                     SELECT id, id, CAST(0 AS BIGINT) FROM groups WHERE deleted_at IS NULL
                         AND id IN (SELECT unhex(value) FROM json_each($1))
                     UNION SELECT below.root, g.id, below.level + 1 FROM below
                         JOIN group_parents p ON p.parent_id = below.id
                         JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                         WHERE below.level < $2)
                 SELECT DISTINCT below.root, g.id, g.name FROM below JOIN groups g ON g.id = below.id",
        postgres: "WITH RECURSIVE below (root, id, level) AS (
                       SELECT id, id, CAST(0 AS BIGINT) FROM groups WHERE deleted_at IS NULL
                           AND id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                       UNION SELECT below.root, g.id, below.level + 1 FROM below
                           JOIN group_parents p ON p.parent_id = below.id
                           JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                           WHERE below.level < $2)
                   SELECT DISTINCT below.root, g.id, g.name FROM below JOIN groups g ON g.id = below.id",
    );
    let list = id_list(groups.iter().copied());
    let rows: Vec<(GroupId, GroupId, String)> =
        on_engine!(connection, c => sqlx::query_as(statement).bind(list).bind(levels).fetch_all(c).await?);
    let mut found: HashMap<GroupId, Vec<(GroupId, String)>> = HashMap::new();
    for (root, id, name) in rows {
        found.entry(root).or_default().push((id, name));
    }
    Ok(found)
}

//! The table `group_parents`: groups that are direct members of groups.

use std::collections::HashMap;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};

/// Lets one transaction at a time nest groups, until it ends: two that are right each by itself can make a circle together.
/// The first lock that a transaction takes.
pub(in crate::groups) async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT '1'",
        postgres: "SELECT CAST(pg_advisory_xact_lock(hashtextextended('graph of groups', 0)) AS TEXT)",
    );
    let _: Option<String> = on_engine!(tx, c => sqlx::query_scalar(statement).fetch_optional(c).await?);
    Ok(())
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
                   WHERE group_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))
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

/// True if a user is a member of the group with this name, or of a group in it, at most `levels` down.
pub(in crate::groups) async fn is_effective_member(
    connection: &mut impl Connection,
    name: &str,
    user: UserId,
    levels: i64,
) -> Result<bool, DbError> {
    const FIND: &str = "WITH RECURSIVE above (id, level) AS (
             SELECT g.id, CAST(0 AS BIGINT) FROM group_members m JOIN groups g ON g.id = m.group_id
                 WHERE m.person_id = $2 AND g.deleted_at IS NULL
             UNION SELECT g.id, above.level + 1 FROM above
                 JOIN group_parents p ON p.group_id = above.id
                 JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                 WHERE above.level < $3)
         SELECT EXISTS (SELECT 1 FROM above JOIN groups g ON g.id = above.id WHERE g.name = $1)";
    Ok(
        on_engine!(connection, c => sqlx::query_scalar(FIND).bind(name).bind(user).bind(levels).fetch_one(c).await?),
    )
}

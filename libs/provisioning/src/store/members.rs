//! The statements about the members of groups at a target, as far as they were pushed from here.

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

/// Notes the groups that a member is to be in at a target, and returns those whose members thereby change.
pub(crate) async fn set_groups(
    tx: &mut Tx,
    target: Uuid,
    member: Uuid,
    groups: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let leave = sql!(tx,
        sqlite: "UPDATE provisioning_members SET state = 'removing', refused_at = NULL
                 WHERE target_id = $1 AND member_id = $2 AND state <> 'removing'
                   AND group_id NOT IN (SELECT unhex(value) FROM json_each($3)) RETURNING group_id",
        postgres: "UPDATE provisioning_members SET state = 'removing', refused_at = NULL
                   WHERE target_id = $1 AND member_id = $2 AND state <> 'removing'
                     AND group_id <> ALL (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value)))
                   RETURNING group_id",
    );
    const JOIN: &str = "INSERT INTO provisioning_members (target_id, group_id, member_id, state)
         VALUES ($1, $2, $3, 'adding')
         ON CONFLICT (target_id, group_id, member_id) DO UPDATE SET state = 'adding', refused_at = NULL
         WHERE provisioning_members.state = 'removing'";
    let list = id_list(groups.iter().copied());
    let mut changed: Vec<Uuid> = on_engine!(&mut *tx, c => sqlx::query_scalar(leave)
        .bind(target)
        .bind(member)
        .bind(list)
        .fetch_all(c)
        .await?);
    for group in groups {
        let joined = on_engine!(&mut *tx, c => sqlx::query(JOIN)
            .bind(target)
            .bind(group)
            .bind(member)
            .execute(c)
            .await?
            .rows_affected());
        if joined > 0 {
            changed.push(*group);
        }
    }
    changed.sort_unstable();
    Ok(changed)
}

/// Has a member pushed to its groups once more, because it is another resource at the target now. Returns the groups.
pub(crate) async fn add_once_more(tx: &mut Tx, target: Uuid, member: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(tx, c => sqlx::query_scalar(
            "UPDATE provisioning_members SET state = 'adding', refused_at = NULL
             WHERE target_id = $1 AND member_id = $2 AND state <> 'removing' RETURNING group_id")
        .bind(target)
        .bind(member)
        .fetch_all(c)
        .await?))
}

/// Has all members pushed to a group once more, because it is another resource at the target now. Members to remove are forgotten
/// if it was created just now, and so has none.
pub(crate) async fn add_all_once_more(
    tx: &mut Tx,
    target: Uuid,
    group: Uuid,
    created: bool,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        if created {
            sqlx::query("DELETE FROM provisioning_members WHERE target_id = $1 AND group_id = $2 AND state = 'removing'")
                .bind(target)
                .bind(group)
                .execute(&mut *c)
                .await?;
        }
        sqlx::query(
                "UPDATE provisioning_members SET state = 'adding', refused_at = NULL
                 WHERE target_id = $1 AND group_id = $2 AND state <> 'removing'")
            .bind(target)
            .bind(group)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Forgets a member whose resource at the target is deleted: the target has removed it from its groups.
pub(crate) async fn forget_member(tx: &mut Tx, target: Uuid, member: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM provisioning_members WHERE target_id = $1 AND member_id = $2")
        .bind(target)
        .bind(member)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Forgets the members of a group that is deleted at the target.
pub(crate) async fn forget_group(tx: &mut Tx, target: Uuid, group: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM provisioning_members WHERE target_id = $1 AND group_id = $2")
        .bind(target)
        .bind(group)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The ids at the target, and the types, of the members of a group, at most `limit`: of all that are or are to be and were not
/// refused; or with `added` of those that are, and of these.
pub(crate) async fn all(
    connection: &mut impl Connection,
    (target, group): (Uuid, Uuid),
    added: Option<&[Uuid]>,
    limit: i64,
) -> Result<Vec<(String, String)>, DbError> {
    const ALL: &str = "SELECT r.kind, r.remote_id FROM provisioning_members AS m
         JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
         WHERE m.target_id = $1 AND m.group_id = $2 AND m.state <> 'removing' AND m.refused_at IS NULL
           AND r.remote_id IS NOT NULL AND CAST($4 AS TEXT) IS NULL
         ORDER BY m.member_id LIMIT $3";
    let with_added = sql!(connection,
        sqlite: "SELECT r.kind, r.remote_id FROM provisioning_members AS m
                 JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
                 WHERE m.target_id = $1 AND m.group_id = $2 AND r.remote_id IS NOT NULL
                   AND (m.state = 'member'
                        OR m.state = 'adding' AND m.member_id IN (SELECT unhex(value) FROM json_each($4)))
                 ORDER BY m.member_id LIMIT $3",
        postgres: "SELECT r.kind, r.remote_id FROM provisioning_members AS m
                   JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
                   WHERE m.target_id = $1 AND m.group_id = $2 AND r.remote_id IS NOT NULL
                     AND (m.state = 'member'
                          OR m.state = 'adding' AND m.member_id IN
                              (SELECT value::uuid FROM jsonb_array_elements_text($4::jsonb) AS e(value)))
                   ORDER BY m.member_id LIMIT $3",
    );
    let statement = if added.is_some() { with_added } else { ALL };
    let list = added.map(|added| id_list(added.iter().copied()));
    Ok(on_engine!(connection, c => sqlx::query_as(statement)
        .bind(target)
        .bind(group)
        .bind(limit)
        .bind(list)
        .fetch_all(c)
        .await?))
}

/// A member of a group, as a drift check compares it.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Membership {
    pub(crate) member_id: Uuid,
    /// True if it was pushed.
    pub(crate) is_settled: bool,
    /// The id of the member at the target.
    pub(crate) remote_id: Option<String>,
}

/// The members of a group, pushed and to be pushed or removed, at most `limit`.
pub(crate) async fn of_group(
    connection: &mut impl Connection,
    (target, group): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Membership>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT m.member_id, m.state = 'member' AS is_settled, r.remote_id FROM provisioning_members AS m
             LEFT JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
             WHERE m.target_id = $1 AND m.group_id = $2 ORDER BY m.member_id LIMIT $3")
        .bind(target)
        .bind(group)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Has these removed from a group: they are in it at the target, and are no members here.
pub(crate) async fn remove_these(
    tx: &mut Tx,
    (target, group): (Uuid, Uuid),
    members: &[Uuid],
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO provisioning_members (target_id, group_id, member_id, state)
                 SELECT $1, $2, unhex(value), 'removing' FROM json_each($3) WHERE true ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO provisioning_members (target_id, group_id, member_id, state)
                   SELECT $1, $2, value::uuid, 'removing' FROM jsonb_array_elements_text($3::jsonb) AS e(value)
                   ON CONFLICT DO NOTHING",
    );
    let list = id_list(members.iter().copied());
    on_engine!(tx, c => sqlx::query(statement).bind(target).bind(group).bind(list).execute(c).await?.rows_affected());
    Ok(())
}

/// Has these members pushed to a group once more: they are not in it at the target.
pub(crate) async fn add_these_once_more(
    tx: &mut Tx,
    (target, group): (Uuid, Uuid),
    members: &[Uuid],
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE provisioning_members SET state = 'adding'
                 WHERE target_id = $1 AND group_id = $2 AND state = 'member'
                   AND member_id IN (SELECT unhex(value) FROM json_each($3))",
        postgres: "UPDATE provisioning_members SET state = 'adding'
                   WHERE target_id = $1 AND group_id = $2 AND state = 'member'
                     AND member_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value)))",
    );
    let list = id_list(members.iter().copied());
    on_engine!(tx, c => sqlx::query(statement).bind(target).bind(group).bind(list).execute(c).await?.rows_affected());
    Ok(())
}

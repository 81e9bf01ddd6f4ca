//! The statements about changes of members that are to be pushed: what waits, what the target refused, and what was pushed.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

/// The state of a member that is to be added at the target.
pub(crate) const ADDING: &str = "adding";
/// The state of a member that is to be removed there.
pub(crate) const REMOVING: &str = "removing";

/// A change of the members of a group that is to be pushed.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct PendingMember {
    pub(crate) member_id: Uuid,
    /// `adding` or `removing`.
    pub(crate) state: String,
    /// The type of the member, and its id at the target; nothing while it is not there.
    pub(crate) kind: Option<String>,
    pub(crate) remote_id: Option<String>,
}

impl PendingMember {
    /// True if it is to become a member.
    pub(crate) fn is_added(&self) -> bool {
        self.state == ADDING
    }
}

/// The next removals or additions of members of a group that are to be pushed, after a member, in order, without those that the
/// target refused.
pub(crate) async fn pending(
    connection: &mut impl Connection,
    (target, group): (Uuid, Uuid),
    state: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<PendingMember>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT m.member_id, m.state, r.kind, r.remote_id FROM provisioning_members AS m
             LEFT JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
             WHERE m.target_id = $1 AND m.group_id = $2 AND m.member_id > $3 AND m.state <> 'member' AND m.state = $5
               AND m.refused_at IS NULL
             ORDER BY m.member_id LIMIT $4")
        .bind(target)
        .bind(group)
        .bind(after)
        .bind(limit)
        .bind(state)
        .fetch_all(c)
        .await?))
}

/// The changes of the members of a group that the target refused, at most `limit`, those that were tried longest ago first.
pub(crate) async fn refused(
    connection: &mut impl Connection,
    (target, group): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<PendingMember>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT m.member_id, m.state, r.kind, r.remote_id FROM provisioning_members AS m
             JOIN provisioning_resources AS r ON r.target_id = m.target_id AND r.resource_id = m.member_id
             WHERE m.target_id = $1 AND m.group_id = $2 AND m.state <> 'member' AND m.refused_at IS NOT NULL
               AND r.remote_id IS NOT NULL
             ORDER BY m.refused_at, m.member_id LIMIT $3")
        .bind(target)
        .bind(group)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The number of changes of the members of a group that the target refused.
pub(crate) async fn count_refused(
    connection: &mut impl Connection,
    (target, group): (Uuid, Uuid),
) -> Result<i64, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT count(*) FROM provisioning_members
             WHERE target_id = $1 AND group_id = $2 AND state <> 'member' AND refused_at IS NOT NULL")
        .bind(target)
        .bind(group)
        .fetch_one(c)
        .await?))
}

/// Notes that the target refused the change of a member.
pub(crate) async fn note_refusal(
    tx: &mut Tx,
    (target, group): (Uuid, Uuid),
    member: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_members SET refused_at = $4
             WHERE target_id = $1 AND group_id = $2 AND member_id = $3 AND state <> 'member'")
        .bind(target)
        .bind(group)
        .bind(member)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Writes down that changes were pushed, unless they were changed back meanwhile. A member who is another resource at the target
/// now than the one that was added is to be added still.
pub(crate) async fn pushed(
    tx: &mut Tx,
    (target, group): (Uuid, Uuid),
    members: &[PendingMember],
) -> Result<(), DbError> {
    let (lock, added, removed) = sql!(tx,
        sqlite: (
            // The transaction holds the only lock for writing already.
            "SELECT member_id FROM provisioning_members WHERE target_id = $1 AND group_id = $2 AND member_id = unhex($3)",
            "UPDATE provisioning_members SET state = 'member', refused_at = NULL
             WHERE target_id = $1 AND group_id = $2 AND state = 'adding'
               AND member_id IN (SELECT unhex(value) FROM json_each($3))
               AND EXISTS (SELECT 1 FROM provisioning_resources AS r
                           WHERE r.target_id = $1 AND r.resource_id = provisioning_members.member_id
                             AND r.remote_id IN (SELECT value FROM json_each($4)))",
            "DELETE FROM provisioning_members WHERE target_id = $1 AND group_id = $2 AND state = 'removing'
               AND member_id IN (SELECT unhex(value) FROM json_each($3)) AND $4 IS NOT NULL",
        ),
        postgres: (
            // What another transaction changes about them is seen by the statements after this one.
            "SELECT member_id FROM provisioning_members WHERE target_id = $1 AND group_id = $2
               AND member_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value)))
             ORDER BY member_id FOR UPDATE",
            "UPDATE provisioning_members SET state = 'member', refused_at = NULL
             WHERE target_id = $1 AND group_id = $2 AND state = 'adding'
               AND member_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value)))
               AND EXISTS (SELECT 1 FROM provisioning_resources AS r
                           WHERE r.target_id = $1 AND r.resource_id = provisioning_members.member_id
                             AND r.remote_id = ANY (ARRAY(SELECT value FROM jsonb_array_elements_text($4::jsonb) AS e(value))))",
            "DELETE FROM provisioning_members WHERE target_id = $1 AND group_id = $2 AND state = 'removing'
               AND member_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value)))
               AND CAST($4 AS TEXT) IS NOT NULL",
        ),
    );
    let all = id_list(members.iter().map(|member| member.member_id));
    let _: Vec<Uuid> = on_engine!(&mut *tx, c => sqlx::query_scalar(lock)
        .bind(target)
        .bind(group)
        .bind(all)
        .fetch_all(c)
        .await?);
    for (statement, is_added) in [(added, true), (removed, false)] {
        let of_kind = members.iter().filter(|member| member.is_added() == is_added);
        let sent: serde_json::Value = of_kind
            .clone()
            .filter_map(|member| member.remote_id.as_deref())
            .collect();
        let list = id_list(of_kind.map(|member| member.member_id));
        on_engine!(&mut *tx, c => sqlx::query(statement)
            .bind(target)
            .bind(group)
            .bind(list)
            .bind(sent.to_string())
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

//! The statements that go through the graph of groups, up from users and down from a group.

use chassis::db::{Connection, DbError, id_list};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};

/// A group that a user is a member of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(super) struct Membership {
    pub(super) person_id: UserId,
    pub(super) group_id: GroupId,
    /// The name of the group.
    pub(super) name: String,
    /// The levels between the two: 0 for a direct member.
    pub(super) level: i64,
}

/// The groups of which these users are members, the direct ones first.
pub(super) async fn of_users(
    connection: &mut impl Connection,
    users: &[UserId],
    levels: i64,
    limit: i64,
) -> Result<Vec<Membership>, DbError> {
    let statement = sql!(connection,
        sqlite: "WITH RECURSIVE above (person, id, level) AS (
                     SELECT m.person_id, g.id, CAST(0 AS BIGINT) FROM group_members m JOIN groups g ON g.id = m.group_id
                         WHERE m.person_id IN (SELECT unhex(value) FROM json_each($1)) AND g.deleted_at IS NULL
                     UNION SELECT above.person, g.id, above.level + 1 FROM above
                         JOIN group_parents p ON p.group_id = above.id
                         JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                         WHERE above.level < $2)
                 SELECT above.person AS person_id, g.id AS group_id, g.name AS name, min(level) AS level
                 FROM above JOIN groups g ON g.id = above.id GROUP BY above.person, g.id, g.name ORDER BY 4, 1, 2 LIMIT $3",
        postgres: "WITH RECURSIVE above (person, id, level) AS (
                       SELECT m.person_id, g.id, CAST(0 AS BIGINT) FROM group_members m JOIN groups g ON g.id = m.group_id
                           WHERE m.person_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                             AND g.deleted_at IS NULL
                       UNION SELECT above.person, g.id, above.level + 1 FROM above
                           JOIN group_parents p ON p.group_id = above.id
                           JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                           WHERE above.level < $2)
                   SELECT above.person AS person_id, g.id AS group_id, g.name AS name, min(level) AS level
                   FROM above JOIN groups g ON g.id = above.id GROUP BY above.person, g.id, g.name ORDER BY 4, 1, 2 LIMIT $3",
    );
    let list = id_list(users.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_as(statement)
        .bind(list)
        .bind(levels)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The users who are members of a group and of those below it, by id.
pub(super) async fn members(
    connection: &mut impl Connection,
    group: GroupId,
    levels: i64,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const MEMBERS: &str = "WITH RECURSIVE below (id, level) AS (
             SELECT id, CAST(0 AS BIGINT) FROM groups WHERE id = $1 AND deleted_at IS NULL
             UNION SELECT g.id, below.level + 1 FROM below
                 JOIN group_parents p ON p.parent_id = below.id
                 JOIN groups g ON g.id = p.group_id AND g.deleted_at IS NULL
                 WHERE below.level < $2)
         SELECT DISTINCT m.person_id FROM group_members m WHERE m.group_id IN (SELECT id FROM below)
         ORDER BY m.person_id LIMIT $3";
    Ok(on_engine!(connection, c => sqlx::query_scalar(MEMBERS)
        .bind(group)
        .bind(levels)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

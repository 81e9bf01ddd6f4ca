//! Statements on `people` that only searches need.

use chassis::db::{Connection, DbError, Reader, id_list};
use chassis::{on_engine, sql};
use contract::{GroupId, UserId};

use super::super::values::Keyed;

/// True if there is a user after an id.
pub(super) async fn has_after(connection: &mut impl Connection, id: UserId) -> Result<bool, DbError> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE id > $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(ANY).bind(id).fetch_one(c).await?))
}

/// The first ids of those who are active, or not.
pub(super) async fn ids_by_active(
    reader: &mut Reader,
    active: bool,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const IDS: &str = "SELECT id FROM people WHERE active = $1 ORDER BY id LIMIT $2";
    Ok(on_engine!(reader, c => sqlx::query_scalar(IDS).bind(active).bind(limit).fetch_all(c).await?))
}

/// Those who are active, or not, after an id. Their key is empty.
pub(super) async fn by_active(
    reader: &mut Reader,
    active: bool,
    after: UserId,
    limit: i64,
) -> Result<Vec<Keyed>, DbError> {
    const AFTER: &str = "SELECT '', id, CAST(document AS TEXT) FROM people
         WHERE active = $1 AND id > $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(reader, c => sqlx::query_as(AFTER)
        .bind(active)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// One user. Their key is empty.
pub(super) async fn one(reader: &mut Reader, id: UserId) -> Result<Vec<Keyed>, DbError> {
    const ONE: &str = "SELECT '', id, CAST(document AS TEXT) FROM people WHERE id = $1";
    Ok(on_engine!(reader, c => sqlx::query_as(ONE).bind(id).fetch_all(c).await?))
}

/// The first ids of the direct members of these groups.
pub(super) async fn member_ids(
    reader: &mut Reader,
    groups: &[GroupId],
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT DISTINCT person_id FROM group_members
                 WHERE group_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY person_id LIMIT $2",
        postgres: "SELECT DISTINCT person_id FROM group_members
                   WHERE group_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY person_id LIMIT $2",
    );
    let list = id_list(groups.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement).bind(list).bind(limit).fetch_all(c).await?))
}

/// The direct members of these groups after an id. Their key is empty.
pub(super) async fn members_after(
    reader: &mut Reader,
    groups: &[GroupId],
    after: UserId,
    limit: i64,
) -> Result<Vec<Keyed>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT '', p.id, CAST(p.document AS TEXT) FROM
                     (SELECT DISTINCT person_id FROM group_members
                      WHERE group_id IN (SELECT unhex(value) FROM json_each($1)) AND person_id > $2
                      ORDER BY person_id LIMIT $3) AS m
                 JOIN people p ON p.id = m.person_id ORDER BY p.id",
        postgres: "SELECT '', p.id, CAST(p.document AS TEXT) FROM
                       (SELECT DISTINCT person_id FROM group_members
                        WHERE group_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                          AND person_id > $2
                        ORDER BY person_id LIMIT $3) AS m
                   JOIN people p ON p.id = m.person_id ORDER BY p.id",
    );
    let list = id_list(groups.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement)
        .bind(list)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

//! The statements that read many people: in order, in a span, or by their ids.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, id_list};
use chassis::{on_engine, sql};
use contract::{UserId, UserState};
use events::{Span, Version};

use super::parse;

/// The states of the people after an id, in order of ids.
pub(crate) async fn states_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    const AFTER: &str = "SELECT CAST(document AS TEXT) FROM people WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<String> =
        on_engine!(connection, c => sqlx::query_scalar(AFTER).bind(id).bind(limit).fetch_all(c).await?);
    rows.iter().map(|document| parse(document)).collect()
}

/// A page of people, the earliest first: those after an id, without the first `offset` of them.
pub(crate) async fn page(
    connection: &mut impl Connection,
    after: UserId,
    offset: i64,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    // Only the ids of those before are read, which PostgreSQL has in an index, and not what is known of them.
    const PAGE: &str = "SELECT CAST(p.document AS TEXT) FROM
             (SELECT id FROM people WHERE id > $1 ORDER BY id LIMIT $2 OFFSET $3) AS page
         JOIN people p ON p.id = page.id ORDER BY p.id";
    let rows: Vec<String> = on_engine!(connection, c => sqlx::query_scalar(PAGE)
        .bind(after)
        .bind(limit)
        .bind(offset)
        .fetch_all(c)
        .await?);
    rows.iter().map(|document| parse(document)).collect()
}

/// A person as a snapshot tells of them, unread.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct Entry {
    pub(crate) id: UserId,
    pub(crate) active: bool,
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
    /// A [`UserState`] in JSON.
    pub(crate) document: String,
}

/// The first `limit` versions of people and tombstones in a span, by id.
pub(crate) async fn versions(
    connection: &mut impl Connection,
    span: Span,
    limit: i64,
) -> Result<Vec<Version>, DbError> {
    // Limited twice: PostgreSQL would sort everybody behind the first id otherwise.
    const VERSIONS: &str = "SELECT id, version FROM
             (SELECT id, version FROM people WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS living
         UNION ALL SELECT id, version FROM
             (SELECT id, version FROM tombstones WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS gone
         ORDER BY id LIMIT $3";
    Ok(on_engine!(connection, c => sqlx::query_as(VERSIONS)
        .bind(span.after)
        .bind(span.through)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those of the ids that are people.
pub(crate) async fn stored_of(
    connection: &mut impl Connection,
    ids: &[UserId],
) -> Result<Vec<Entry>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM people
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM people
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// The states of those of the ids that are people, in the order of their ids.
pub(crate) async fn states_of(
    connection: &mut impl Connection,
    ids: &[UserId],
) -> Result<Vec<UserState>, DbError> {
    let mut entries = stored_of(connection, ids).await?;
    entries.sort_unstable_by_key(|entry| entry.id);
    entries.iter().map(|entry| parse(&entry.document)).collect()
}

//! The tables `people` and `tombstones`.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{UserDeleted, UserId, UserState};
use events::reconcile::Held;
use events::{Span, Version};
use sqlx::types::Json;

use super::values::Row as ValueRow;
use super::{total, values};

/// A person as stored, to be passed on unread.
#[derive(Debug)]
pub(crate) struct Stored {
    /// True if the person may sign in.
    pub(crate) active: bool,
    /// The version.
    pub(crate) version: i64,
    /// A [`UserState`] in JSON.
    pub(crate) document: String,
}

impl Stored {
    /// Reads the state.
    ///
    /// # Errors
    /// When it is no state of a user, which nothing writes.
    pub(crate) fn read(self) -> Result<UserState, DbError> {
        parse(&self.document)
    }
}

pub(super) fn parse(document: &str) -> Result<UserState, DbError> {
    serde_json::from_str(document).map_err(|error| DbError::Other(sqlx::Error::Decode(Box::new(error))))
}

type Row = (bool, i64, String);

fn stored((active, version, document): Row) -> Stored {
    Stored {
        active,
        version,
        document,
    }
}

/// One person, unread.
pub(crate) async fn find_stored(
    connection: &mut impl Connection,
    id: UserId,
) -> Result<Option<Stored>, DbError> {
    const FIND: &str = "SELECT active, version, CAST(document AS TEXT) FROM people WHERE id = $1";
    let row: Option<Row> =
        on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?);
    Ok(row.map(stored))
}

/// One person.
pub(crate) async fn find(connection: &mut impl Connection, id: UserId) -> Result<Option<UserState>, DbError> {
    find_stored(connection, id).await?.map(Stored::read).transpose()
}

/// The person whose user name has this key.
pub(crate) async fn find_by_key(
    connection: &mut impl Connection,
    key: &str,
) -> Result<Option<UserState>, DbError> {
    const FIND: &str = "SELECT CAST(document AS TEXT) FROM people WHERE user_name_key = $1";
    let row: Option<String> =
        on_engine!(connection, c => sqlx::query_scalar(FIND).bind(key).fetch_optional(c).await?);
    row.as_deref().map(parse).transpose()
}

/// One person, whom nobody else can change until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<UserState>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT document FROM people WHERE id = $1",
        postgres: "SELECT CAST(document AS TEXT) FROM people WHERE id = $1 FOR UPDATE",
    );
    let row: Option<String> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?);
    row.as_deref().map(parse).transpose()
}

/// The people of these ids, as [`lock`], locked in the order of their ids.
pub(crate) async fn lock_all(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<UserState>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT CAST(document AS TEXT) FROM people WHERE id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id",
        postgres: "SELECT CAST(document AS TEXT) FROM people
                   WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))
                   ORDER BY id FOR UPDATE",
    );
    let list = id_list(ids.iter().copied());
    let rows: Vec<String> = on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?);
    rows.iter().map(|document| parse(document)).collect()
}

/// Adds a person with their [indexed values](values); `false` when the user name, its skeleton or the id is taken.
pub(super) async fn insert(
    tx: &mut Tx,
    state: &UserState,
    rows: &BTreeSet<ValueRow>,
) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document, \
         user_name_skeleton, user_name_skeleton_of, values_version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $2, $4) ON CONFLICT DO NOTHING";
    let inserted = on_engine!(&mut *tx, c => sqlx::query(INSERT)
        .bind(state.id)
        .bind(state.user_name.key())
        .bind(state.active)
        .bind(state.version)
        .bind(state.created_at)
        .bind(state.updated_at)
        .bind(Json(state))
        .bind(state.user_name.skeleton())
        .execute(c)
        .await?
        .rows_affected());
    if inserted != 1 {
        return Ok(false);
    }
    values::insert(tx, state.id, &rows.iter().collect::<Vec<_>>()).await?;
    total::change(tx, 1).await?;
    Ok(true)
}

/// The indexed values that a change removes and adds.
#[derive(Debug)]
pub(super) struct RowChanges<'a> {
    pub(super) removed: Vec<&'a ValueRow>,
    pub(super) added: Vec<&'a ValueRow>,
}

/// Writes the next version of a person, whose row is [locked](lock), and their indexed values. A name that stays keeps its
/// skeleton, or goes on without one. Values that another version left incomplete stay so, until they are filled in.
///
/// # Errors
/// [`DbError::Unique`] when the new user name or its skeleton is taken.
pub(super) async fn update(tx: &mut Tx, state: &UserState, rows: &RowChanges<'_>) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE people SET user_name_key = $2, active = $3, version = $4, updated_at = $5, document = $6, \
         user_name_skeleton = CASE WHEN user_name_key = $2 THEN user_name_skeleton ELSE $7 END, \
         user_name_skeleton_of = CASE WHEN user_name_key = $2 THEN user_name_skeleton_of ELSE $2 END, \
         values_version = CASE WHEN values_version = version THEN $4 ELSE values_version END \
         WHERE id = $1 AND version = $4 - 1";
    let updated = on_engine!(&mut *tx, c => sqlx::query(UPDATE)
        .bind(state.id)
        .bind(state.user_name.key())
        .bind(state.active)
        .bind(state.version)
        .bind(state.updated_at)
        .bind(Json(state))
        .bind(state.user_name.skeleton())
        .execute(c)
        .await?
        .rows_affected());
    if updated != 1 {
        return Err(DbError::Other(sqlx::Error::RowNotFound));
    }
    values::delete(tx, state.id, &rows.removed).await?;
    values::insert(tx, state.id, &rows.added).await
}

/// Removes a person and keeps the id.
pub(crate) async fn insert_tombstone(tx: &mut Tx, gone: &UserDeleted) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM people WHERE id = $1";
    const INSERT: &str = "INSERT INTO tombstones (id, version, deleted_at) VALUES ($1, $2, $3)";
    let deleted =
        on_engine!(&mut *tx, c => sqlx::query(DELETE).bind(gone.id).execute(c).await?.rows_affected());
    if deleted == 1 {
        total::change(tx, -1).await?;
    }
    on_engine!(tx, c => sqlx::query(INSERT)
        .bind(gone.id)
        .bind(gone.version)
        .bind(gone.deleted_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// True if the id belonged to a person who was deleted.
pub(crate) async fn has_tombstone(connection: &mut impl Connection, id: UserId) -> Result<bool, DbError> {
    const FIND: &str = "SELECT version FROM tombstones WHERE id = $1";
    let row: Option<i64> =
        on_engine!(connection, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Records that `auth` erased what it held of a deleted person; `false` when there is no such tombstone, or the
/// erasure is known.
pub(crate) async fn record_erasure(tx: &mut Tx, id: UserId, at: Timestamp) -> Result<bool, DbError> {
    const RECORD: &str = "UPDATE tombstones SET erased_at = $2 WHERE id = $1 AND erased_at IS NULL";
    let rows = on_engine!(tx, c => sqlx::query(RECORD).bind(id).bind(at).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Raises the versions of all people and tombstones.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    let people = sql!(tx,
        sqlite: "UPDATE people SET version = version + $1, values_version = values_version + $1,
                     document = json_set(document, '$.version', version + $1)",
        postgres: "UPDATE people SET version = version + $1, values_version = values_version + $1,
                       document = jsonb_set(document, '{version}', to_jsonb(version + $1))",
    );
    on_engine!(tx, c => {
        for statement in [
            people,
            "UPDATE tombstones SET version = version + $1",
        ] {
            sqlx::query(statement).bind(by).execute(&mut *c).await?;
        }
    });
    Ok(())
}

/// The states of the people after an id, in order of ids.
pub(crate) async fn states_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    let entries = stored_after(connection, id, limit).await?;
    entries.iter().map(|entry| parse(&entry.document)).collect()
}

/// A page of people, the earliest first.
pub(crate) async fn page(
    connection: &mut impl Connection,
    offset: i64,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    const PAGE: &str = "SELECT CAST(document AS TEXT) FROM people ORDER BY id LIMIT $1 OFFSET $2";
    let rows: Vec<String> =
        on_engine!(connection, c => sqlx::query_scalar(PAGE).bind(limit).bind(offset).fetch_all(c).await?);
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

/// The people after an id, in order of ids.
pub(crate) async fn stored_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<Entry>, DbError> {
    const AFTER: &str = "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM people \
         WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(on_engine!(connection, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?))
}

/// The tombstones after an id, in order of ids.
pub(crate) async fn tombstones_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserDeleted>, DbError> {
    const AFTER: &str = "SELECT id, version, deleted_at FROM tombstones WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<(UserId, i64, Timestamp)> =
        on_engine!(connection, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().map(tombstone).collect())
}

fn tombstone((id, version, deleted_at): (UserId, i64, Timestamp)) -> UserDeleted {
    UserDeleted {
        id,
        version,
        deleted_at,
    }
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
pub(crate) async fn stored_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<Entry>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM people
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM people
                   WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Those of the ids that are tombstones.
pub(crate) async fn tombstones_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<UserDeleted>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, version, deleted_at FROM tombstones
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, version, deleted_at FROM tombstones
                   WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    let rows: Vec<(UserId, i64, Timestamp)> =
        on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?);
    Ok(rows.into_iter().map(tombstone).collect())
}

/// The first `limit` tombstones of a span whose erasure `auth` has reported, by id.
pub(crate) async fn erasures(reader: &mut Reader, span: Span, limit: i64) -> Result<Vec<Held>, DbError> {
    const ERASURES: &str = "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
         WHERE erased_at IS NOT NULL AND id > $1 AND id <= $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(reader, c => sqlx::query_as(ERASURES)
        .bind(span.after)
        .bind(span.through)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those of the tombstones whose erasure `auth` has reported.
pub(crate) async fn erasures_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<Held>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
                 WHERE erased_at IS NOT NULL AND id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, CAST(NULL AS BIGINT) AS version FROM tombstones
                   WHERE erased_at IS NOT NULL
                     AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

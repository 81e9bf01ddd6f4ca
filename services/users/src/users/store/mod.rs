//! The table `people`.

mod pages;
mod tombstones;

use std::collections::BTreeSet;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{UserId, UserState};
use sqlx::types::Json;

use super::values::Row as ValueRow;
use super::{total, values};

pub(crate) use pages::{Entry, page, states_after, states_of, stored_of, versions};
pub(crate) use tombstones::{
    erasures, erasures_of, has_tombstone, insert_tombstone, record_erasure, tombstones_after, tombstones_of,
};

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
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY id FOR UPDATE",
    );
    let list = id_list(ids.iter().copied());
    let rows: Vec<String> = on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?);
    rows.iter().map(|document| parse(document)).collect()
}

/// Locks the people of these ids, as [`lock_all`], without reading them.
pub(super) async fn lock_ids(tx: &mut Tx, ids: &[UserId]) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT id FROM people WHERE id IN (SELECT unhex(value) FROM json_each($1)) LIMIT 0",
        postgres: "SELECT id FROM people
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY id FOR UPDATE",
    );
    let list = id_list(ids.iter().copied());
    let _: Vec<UserId> = on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?);
    Ok(())
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

/// Adds people whose values are written by the caller. Returns the ids of those who were added: not of those whose user name, its
/// skeleton or the id is taken.
pub(super) async fn insert_all(tx: &mut Tx, states: &[&UserState]) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document,
                                     user_name_skeleton, user_name_skeleton_of, values_version)
                 SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                     value ->> 7, value ->> 1, value ->> 3
                 FROM json_each($1) WHERE true ORDER BY key ON CONFLICT DO NOTHING RETURNING id",
        postgres: "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document,
                                       user_name_skeleton, user_name_skeleton_of, values_version)
                   SELECT (value ->> 0)::uuid, value ->> 1, (value ->> 2)::boolean, (value ->> 3)::bigint,
                       (value ->> 4)::bigint, (value ->> 5)::bigint, (value ->> 6)::jsonb,
                       value ->> 7, value ->> 1, (value ->> 3)::bigint
                   FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(value, place) ORDER BY place
                   ON CONFLICT DO NOTHING RETURNING id",
    );
    let mut list = Vec::with_capacity(states.len());
    for state in states {
        let document = serde_json::to_string(state)
            .map_err(|error| DbError::Other(sqlx::Error::Encode(Box::new(error))))?;
        list.push(serde_json::json!([
            state.id.simple().to_string(),
            state.user_name.key(),
            state.active,
            state.version,
            state.created_at.as_micros(),
            state.updated_at.as_micros(),
            document,
            state.user_name.skeleton(),
        ]));
    }
    let list = serde_json::Value::from(list).to_string();
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
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

/// Removes a person, with their indexed values and memberships, if they are there.
pub(super) async fn delete(tx: &mut Tx, id: UserId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM people WHERE id = $1";
    let deleted = on_engine!(&mut *tx, c => sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    match deleted {
        1 => total::change(tx, -1).await,
        _ => Ok(()),
    }
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

//! The table `user_values` and the column `values_version` of `people`.

pub(super) mod changes;

use std::collections::BTreeSet;

use chassis::db::{Connection, DbError, Reader, Tx, id_list, lock_name};
use chassis::{on_engine, sql};
use contract::{UserId, UserState};

use super::Row;
use super::range::Range;

/// Adds rows of a user; those that are there stay.
pub(in crate::users) async fn insert(tx: &mut Tx, user: UserId, rows: &[&Row]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = sql!(tx,
        sqlite: "INSERT INTO user_values (user_id, attribute, value_key)
                 SELECT $1, value ->> 0, value ->> 1 FROM json_each($2) WHERE true ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO user_values (user_id, attribute, value_key)
                   SELECT $1::uuid, e ->> 0, e ->> 1 FROM jsonb_array_elements($2::jsonb) AS rows (e) ON CONFLICT DO NOTHING",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(user).bind(list(rows)).execute(c).await?.rows_affected());
    Ok(())
}

/// Adds rows of users who were inserted in this transaction, and have none.
pub(in crate::users) async fn insert_all(tx: &mut Tx, rows: &[(UserId, &Row)]) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO user_values (user_id, attribute, value_key)
                 SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each($1)",
        postgres: "INSERT INTO user_values (user_id, attribute, value_key)
                   SELECT (e ->> 0)::uuid, e ->> 1, e ->> 2 FROM jsonb_array_elements($1::jsonb) AS rows (e)",
    );
    let list = rows
        .iter()
        .map(|(user, (attribute, key))| serde_json::json!([user.simple().to_string(), attribute, key]));
    let list = serde_json::Value::from_iter(list).to_string();
    on_engine!(tx, c => sqlx::query(statement).bind(list).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes rows of a user.
pub(in crate::users) async fn delete(tx: &mut Tx, user: UserId, rows: &[&Row]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = sql!(tx,
        sqlite: "DELETE FROM user_values WHERE user_id = $1 AND (attribute, value_key) IN
                     (SELECT value ->> 0, value ->> 1 FROM json_each($2))",
        postgres: "DELETE FROM user_values WHERE user_id = $1 AND (attribute, value_key) IN
                       (SELECT e ->> 0, e ->> 1 FROM jsonb_array_elements($2::jsonb) AS rows (e))",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(user).bind(list(rows)).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes every row of a user.
pub(super) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM user_values WHERE user_id = $1";
    on_engine!(tx, c => sqlx::query(DELETE).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

fn list(rows: &[&Row]) -> String {
    serde_json::json!(rows).to_string()
}

/// Another user with a value that no two may have. Who wants to have it waits here for another who wants it.
pub(in crate::users) async fn holder(
    tx: &mut Tx,
    (attribute, key): &Row,
    except: UserId,
) -> Result<Option<UserId>, DbError> {
    const HOLDER: &str =
        "SELECT user_id FROM user_values WHERE attribute = $1 AND value_key = $2 AND user_id <> $3 LIMIT 1";
    lock_name(tx, &format!("user_values {attribute} {key}")).await?;
    Ok(on_engine!(tx, c => sqlx::query_scalar(HOLDER)
        .bind(attribute)
        .bind(key)
        .bind(except)
        .fetch_optional(c)
        .await?))
}

/// Ids of users with a key in a range, at most `limit`; one may be there several times.
pub(in crate::users) async fn ids(
    reader: &mut Reader,
    range: &Range,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const IDS: &str = "SELECT user_id FROM user_values
         WHERE attribute = $1 AND value_key >= $2 AND value_key < $3 ORDER BY value_key, user_id LIMIT $4";
    Ok(on_engine!(reader, c => sqlx::query_scalar(IDS)
        .bind(&range.attribute)
        .bind(&range.from)
        .bind(&range.below)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// A row of a stream: the key, the user and their document.
pub(in crate::users) type Keyed = (String, UserId, String);

/// The position in a stream: behind this key and this user.
pub(in crate::users) type Position = (String, UserId);

/// Users with a key in a range, in the order of keys, after a position. No id is nil.
pub(in crate::users) async fn after(
    reader: &mut Reader,
    range: &Range,
    position: Option<&Position>,
    (limit, offset): (i64, i64),
) -> Result<Vec<Keyed>, DbError> {
    const AFTER: &str = "SELECT v.value_key, v.user_id, CAST(p.document AS TEXT) FROM
             (SELECT value_key, user_id FROM user_values
              WHERE attribute = $1 AND (value_key, user_id) > ($2, $3) AND value_key < $4
              ORDER BY value_key, user_id LIMIT $5 OFFSET $6) AS v
         JOIN people p ON p.id = v.user_id ORDER BY v.value_key, v.user_id";
    let (key, user) = match position {
        Some((key, user)) => (key.as_str(), *user),
        None => (range.from.as_str(), UserId::nil()),
    };
    Ok(on_engine!(reader, c => sqlx::query_as(AFTER)
        .bind(&range.attribute)
        .bind(key)
        .bind(user)
        .bind(&range.below)
        .bind(limit)
        .bind(offset)
        .fetch_all(c)
        .await?))
}

/// As [`after`], in the reverse order of keys.
pub(in crate::users) async fn before(
    reader: &mut Reader,
    range: &Range,
    position: Option<&Position>,
    (limit, offset): (i64, i64),
) -> Result<Vec<Keyed>, DbError> {
    const BEFORE: &str = "SELECT v.value_key, v.user_id, CAST(p.document AS TEXT) FROM
             (SELECT value_key, user_id FROM user_values
              WHERE attribute = $1 AND (value_key, user_id) < ($2, $3) AND value_key >= $4
              ORDER BY value_key DESC, user_id DESC LIMIT $5 OFFSET $6) AS v
         JOIN people p ON p.id = v.user_id ORDER BY v.value_key DESC, v.user_id DESC";
    let (key, user) = match position {
        Some((key, user)) => (key.as_str(), *user),
        None => (range.below.as_str(), UserId::nil()),
    };
    Ok(on_engine!(reader, c => sqlx::query_as(BEFORE)
        .bind(&range.attribute)
        .bind(key)
        .bind(user)
        .bind(&range.from)
        .bind(limit)
        .bind(offset)
        .fetch_all(c)
        .await?))
}

/// True if values of anybody are missing, or are those of an earlier version.
pub(super) async fn any_missing(connection: &mut impl Connection) -> Result<bool, DbError> {
    // In order: PostgreSQL takes nearly everybody to be missing, and would look for the first one without the index.
    const FIRST: &str = "SELECT id FROM people
         WHERE values_version IS NULL OR values_version <> version ORDER BY id LIMIT 1";
    let first: Option<UserId> =
        on_engine!(connection, c => sqlx::query_scalar(FIRST).fetch_optional(c).await?);
    Ok(first.is_some())
}

/// The first users whose values are missing, or are those of an earlier version; nobody else can change them until the
/// transaction ends. Those that another transaction has locked are left out.
pub(super) async fn missing(tx: &mut Tx, limit: i64) -> Result<Vec<UserState>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT document FROM people WHERE values_version IS NULL OR values_version <> version
                 ORDER BY id LIMIT $1",
        postgres: "SELECT CAST(document AS TEXT) FROM people WHERE values_version IS NULL OR values_version <> version
                   ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let rows: Vec<String> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(limit).fetch_all(c).await?);
    rows.iter()
        .map(|document| crate::users::store::parse(document))
        .collect()
}

/// Notes that the values of a user are those of their present version.
pub(super) async fn set_complete(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    const SET: &str = "UPDATE people SET values_version = version WHERE id = $1";
    on_engine!(tx, c => sqlx::query(SET).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

/// The attributes that the rows were written for.
pub(super) async fn indexed(connection: &mut impl Connection) -> Result<Vec<String>, DbError> {
    const NAMES: &str = "SELECT name FROM user_indexed";
    Ok(on_engine!(connection, c => sqlx::query_scalar(NAMES).fetch_all(c).await?))
}

/// Notes the attributes that rows are written for.
pub(super) async fn set_indexed(tx: &mut Tx, names: &BTreeSet<&str>) -> Result<(), DbError> {
    const CLEAR: &str = "DELETE FROM user_indexed";
    const INSERT: &str = "INSERT INTO user_indexed (name) VALUES ($1) ON CONFLICT DO NOTHING";
    on_engine!(&mut *tx, c => sqlx::query(CLEAR).execute(c).await?.rows_affected());
    for name in names {
        on_engine!(&mut *tx, c => sqlx::query(INSERT).bind(name).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// Removes the rows of an attribute of these users.
pub(super) async fn delete_of(tx: &mut Tx, attribute: &str, users: &[UserId]) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM user_values WHERE attribute = $2
                     AND user_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "DELETE FROM user_values WHERE attribute = $2
                       AND user_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(users.iter().copied());
    on_engine!(tx, c => sqlx::query(statement).bind(list).bind(attribute).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes some rows of an attribute, at most `limit`. The result is their number.
pub(super) async fn delete_some(tx: &mut Tx, attribute: &str, limit: i64) -> Result<i64, DbError> {
    const DELETE: &str = "DELETE FROM user_values WHERE attribute = $1 AND (value_key, user_id) IN
         (SELECT value_key, user_id FROM user_values WHERE attribute = $1 ORDER BY value_key, user_id LIMIT $2)";
    let rows = on_engine!(tx, c => sqlx::query(DELETE).bind(attribute).bind(limit).execute(c).await?.rows_affected());
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

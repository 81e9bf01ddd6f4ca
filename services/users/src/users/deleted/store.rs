//! The table `deleted_users`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{UserId, UserState};
use events::{Span, Version};
use sqlx::types::Json;

use crate::users::store::{Entry, parse};

/// A user who was deleted and can be restored.
#[derive(Clone, Debug)]
pub(crate) struct DeletedUser {
    /// The state as it was published with the deletion.
    pub(crate) state: UserState,
    /// True if the user could sign in before.
    pub(crate) was_active: bool,
    /// The time of the deletion.
    pub(crate) deleted_at: Timestamp,
}

type Row = (bool, Timestamp, String);

fn deleted_user((was_active, deleted_at, document): Row) -> Result<DeletedUser, DbError> {
    Ok(DeletedUser {
        state: parse(&document)?,
        was_active,
        deleted_at,
    })
}

/// Adds a user who was removed from `people`.
pub(super) async fn insert(tx: &mut Tx, state: &UserState, was_active: bool) -> Result<(), DbError> {
    const INSERT: &str =
        "INSERT INTO deleted_users (id, user_name_key, was_active, version, deleted_at, document)
         VALUES ($1, $2, $3, $4, $5, $6)";
    on_engine!(tx, c => sqlx::query(INSERT)
        .bind(state.id)
        .bind(state.user_name.key())
        .bind(was_active)
        .bind(state.version)
        .bind(state.deleted_at.unwrap_or(state.updated_at))
        .bind(Json(state))
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Takes a user out, who is restored or erased: of several who ask, one gets the user.
pub(super) async fn remove(tx: &mut Tx, id: UserId) -> Result<Option<DeletedUser>, DbError> {
    const TAKE: &str = "DELETE FROM deleted_users WHERE id = $1
         RETURNING was_active, deleted_at, CAST(document AS TEXT)";
    let row: Option<Row> = on_engine!(tx, c => sqlx::query_as(TAKE).bind(id).fetch_optional(c).await?);
    row.map(deleted_user).transpose()
}

/// Takes a user out without reading the state. Returns the version.
pub(in crate::users) async fn take_version(tx: &mut Tx, id: UserId) -> Result<Option<i64>, DbError> {
    const TAKE: &str = "DELETE FROM deleted_users WHERE id = $1 RETURNING version";
    Ok(on_engine!(tx, c => sqlx::query_scalar(TAKE).bind(id).fetch_optional(c).await?))
}

/// A deleted user.
pub(crate) async fn find(
    connection: &mut impl Connection,
    id: UserId,
) -> Result<Option<DeletedUser>, DbError> {
    const FIND: &str =
        "SELECT was_active, deleted_at, CAST(document AS TEXT) FROM deleted_users WHERE id = $1";
    let row: Option<Row> =
        on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?);
    row.map(deleted_user).transpose()
}

/// True if the id is that of a deleted user.
pub(crate) async fn exists(connection: &mut impl Connection, id: UserId) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM deleted_users WHERE id = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(id).fetch_one(c).await?))
}

/// True if anybody is deleted.
pub(super) async fn any(connection: &mut impl Connection) -> Result<bool, DbError> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM deleted_users)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(ANY).fetch_one(c).await?))
}

/// The last user before a page: the time of the deletion, and the id.
pub(crate) type PagePosition = (Timestamp, UserId);

/// A page of deleted users, the last deleted first, those with this key of the user name if one is given.
pub(crate) async fn page(
    connection: &mut impl Connection,
    key: Option<&str>,
    after: Option<PagePosition>,
    limit: i64,
) -> Result<Vec<DeletedUser>, DbError> {
    const ALL: &str = "SELECT was_active, deleted_at, CAST(document AS TEXT) FROM deleted_users
         WHERE (deleted_at, id) < ($1, $2) ORDER BY deleted_at DESC, id DESC LIMIT $3";
    const NAMED: &str = "SELECT was_active, deleted_at, CAST(document AS TEXT) FROM deleted_users
         WHERE user_name_key = $4 AND (deleted_at, id) < ($1, $2) ORDER BY deleted_at DESC, id DESC LIMIT $3";
    let (time, id) = after.unwrap_or((Timestamp::from_micros(i64::MAX), UserId::max()));
    let rows: Vec<Row> = match key {
        None => {
            on_engine!(connection, c => sqlx::query_as(ALL).bind(time).bind(id).bind(limit).fetch_all(c).await?)
        }
        Some(key) => {
            on_engine!(connection, c => sqlx::query_as(NAMED).bind(time).bind(id).bind(limit).bind(key)
            .fetch_all(c).await?)
        }
    };
    rows.into_iter().map(deleted_user).collect()
}

/// Forgets that the grace period was over of those who were deleted at `before` or later, and of whom it was noticed after `now`.
pub(super) async fn clear_due(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    const CLEAR: &str = "UPDATE deleted_users SET due_at = NULL
         WHERE due_at IS NOT NULL AND (deleted_at > $1 OR due_at > $2)";
    Ok(on_engine!(tx, c => sqlx::query(CLEAR).bind(before).bind(now).execute(c).await?.rows_affected()))
}

/// Notes that the grace period is over of those who were deleted before.
pub(super) async fn note_due(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    const NOTE: &str = "UPDATE deleted_users SET due_at = $2 WHERE due_at IS NULL AND deleted_at <= $1";
    Ok(on_engine!(tx, c => sqlx::query(NOTE).bind(before).bind(now).execute(c).await?.rows_affected()))
}

/// Takes out users who were deleted before, and of whom that was noticed by `noticed`. Returns their ids and versions.
pub(super) async fn take_due(
    tx: &mut Tx,
    before: Timestamp,
    noticed: Timestamp,
    limit: i64,
) -> Result<Vec<(UserId, i64)>, DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM deleted_users WHERE id IN
                     (SELECT id FROM deleted_users WHERE due_at <= $2 AND deleted_at <= $1 ORDER BY due_at, id LIMIT $3)
                 RETURNING id, version",
        postgres: "DELETE FROM deleted_users WHERE id IN
                       (SELECT id FROM deleted_users WHERE due_at <= $2 AND deleted_at <= $1 ORDER BY due_at, id LIMIT $3
                        FOR UPDATE SKIP LOCKED)
                   RETURNING id, version",
    );
    Ok(
        on_engine!(tx, c => sqlx::query_as(statement).bind(before).bind(noticed).bind(limit).fetch_all(c).await?),
    )
}

/// Raises the versions of all deleted users.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE deleted_users SET version = version + $1,
                     document = json_set(document, '$.version', version + $1)",
        postgres: "UPDATE deleted_users SET version = version + $1,
                       document = jsonb_set(document, '{version}', to_jsonb(version + $1))",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

/// The states of deleted users after an id, in order of ids.
pub(crate) async fn states_after(
    connection: &mut impl Connection,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    const AFTER: &str = "SELECT CAST(document AS TEXT) FROM deleted_users WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<String> =
        on_engine!(connection, c => sqlx::query_scalar(AFTER).bind(id).bind(limit).fetch_all(c).await?);
    rows.iter().map(|document| parse(document)).collect()
}

/// Users and deleted users after an id, in order of ids, as a snapshot tells of them. Nobody signs in who is deleted.
pub(in crate::users) async fn entries_after(
    reader: &mut Reader,
    id: UserId,
    limit: i64,
) -> Result<Vec<Entry>, DbError> {
    // Limited twice: PostgreSQL would sort everybody behind the first id otherwise.
    let statement = sql!(reader,
        sqlite: "SELECT id, active, version, updated_at, document FROM
                     (SELECT id, active, version, updated_at, document FROM people WHERE id > $1 ORDER BY id LIMIT $2) AS living
                 UNION ALL SELECT id, active, version, updated_at, document FROM
                     (SELECT id, 0 AS active, version, deleted_at AS updated_at, document
                      FROM deleted_users WHERE id > $1 ORDER BY id LIMIT $2) AS hidden
                 ORDER BY id LIMIT $2",
        postgres: "SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM
                       (SELECT id, active, version, updated_at, document FROM people WHERE id > $1 ORDER BY id LIMIT $2) AS living
                   UNION ALL SELECT id, active, version, updated_at, CAST(document AS TEXT) AS document FROM
                       (SELECT id, FALSE AS active, version, deleted_at AS updated_at, document
                        FROM deleted_users WHERE id > $1 ORDER BY id LIMIT $2) AS hidden
                   ORDER BY id LIMIT $2",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(id).bind(limit).fetch_all(c).await?))
}

/// The first `limit` versions of deleted users in a span, by id.
pub(in crate::users) async fn versions(
    connection: &mut impl Connection,
    span: Span,
    limit: i64,
) -> Result<Vec<Version>, DbError> {
    const VERSIONS: &str =
        "SELECT id, version FROM deleted_users WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(connection, c => sqlx::query_as(VERSIONS)
        .bind(span.after)
        .bind(span.through)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those of the ids that are deleted users.
pub(crate) async fn entries_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<Entry>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT id, 0 AS active, version, deleted_at AS updated_at, document FROM deleted_users
                 WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, FALSE AS active, version, deleted_at AS updated_at, CAST(document AS TEXT) AS document
                   FROM deleted_users
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// The states of those of the ids that are deleted users.
pub(crate) async fn states_of(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<UserState>, DbError> {
    let entries = entries_of(reader, ids).await?;
    entries.iter().map(|entry| parse(&entry.document)).collect()
}

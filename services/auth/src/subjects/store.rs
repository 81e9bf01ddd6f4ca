//! The tables `subjects` and `erased_subjects` (tombstones).

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{ADMINISTRATORS_ID, UserState};
use events::Span;
use events::reconcile::Held;
use sqlx::types::Json;
use uuid::Uuid;

use super::ADMINISTRATORS;

/// The state of a user.
pub(crate) async fn find(db: &mut impl Connection, id: Uuid) -> Result<Option<UserState>, DbError> {
    let statement = "SELECT claims FROM subjects WHERE id = $1";
    let found: Option<Json<UserState>> =
        on_engine!(db, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?);
    Ok(found.map(|Json(state)| state))
}

/// The credential that the state of a user named last.
pub(crate) async fn credential_id(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let state = find(tx, id).await?;
    Ok(state.and_then(|state| state.credential_id))
}

/// Inserts or updates the state of a user when it is newer and there is no tombstone. Returns whether it was
/// written.
pub(crate) async fn upsert_if_newer(tx: &mut Tx, state: &UserState) -> Result<bool, DbError> {
    let statement = "INSERT INTO subjects
            (id, user_name_key, active, administrator, claims, version, updated_at)
        SELECT $1, $2, $3, $4, $5, $6, $7
        WHERE NOT EXISTS (SELECT 1 FROM erased_subjects WHERE id = $1)
        ON CONFLICT (id) DO UPDATE SET user_name_key = excluded.user_name_key, active = excluded.active,
            administrator = excluded.administrator, claims = excluded.claims, version = excluded.version,
            updated_at = excluded.updated_at
        WHERE subjects.version < excluded.version";
    let administrator = match &state.group_ids {
        Some(ids) => ids.contains(&ADMINISTRATORS_ID),
        None => state.groups.iter().any(|group| group == ADMINISTRATORS),
    };
    let changed = on_engine!(tx, c => sqlx::query(statement)
        .bind(state.id)
        .bind(name_key(state))
        .bind(state.active)
        .bind(administrator)
        .bind(Json(state))
        .bind(state.version)
        .bind(state.updated_at)
        .execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// The key by which a subject is found at a sign-in. That of a deleted user is one that no name has, because somebody else may have
/// the name.
fn name_key(state: &UserState) -> String {
    match state.deleted_at {
        None => state.user_name.key().to_owned(),
        Some(_) => format!("{DELETED_PREFIX}{}", state.id),
    }
}

/// The beginning of the key of a deleted user: no user name has a space.
const DELETED_PREFIX: &str = " ";

/// Locks an active subject until the transaction ends, so that a transaction that disables or erases it
/// waits. Returns whether there is an active subject.
pub(crate) async fn lock_active(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT EXISTS (SELECT 1 FROM subjects WHERE id = $1 AND active)",
        postgres: "SELECT EXISTS (SELECT 1 FROM subjects WHERE id = $1 AND active FOR SHARE)",
    );
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_one(c).await?))
}

/// Makes a subject inactive without a new version. Returns whether it exists.
pub(crate) async fn deactivate(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE subjects SET active = FALSE, claims = json_set(claims, '$.active', json('false')) WHERE id = $1",
        postgres: "UPDATE subjects SET active = FALSE, claims = jsonb_set(claims, '{active}', 'false') WHERE id = $1",
    );
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// Deletes a subject. Returns the key of its user name.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let statement = "DELETE FROM subjects WHERE id = $1 RETURNING user_name_key";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Inserts the tombstone of an erased subject, with the version of the event. Returns whether there was none.
pub(crate) async fn insert_tombstone(
    tx: &mut Tx,
    id: Uuid,
    version: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = "INSERT INTO erased_subjects (id, version, erased_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO NOTHING";
    let noted = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(version).bind(now)
        .execute(c).await?.rows_affected());
    Ok(noted == 1)
}

/// True if there is an active subject in the group of the administrators.
pub(super) async fn has_direct_administrator(db: &mut impl Connection) -> Result<bool, DbError> {
    // The condition is that of the partial index, so that the index is used.
    let statement = sql!(db,
        sqlite: "SELECT EXISTS (SELECT 1 FROM subjects WHERE administrator = 1 AND active = 1)",
        postgres: "SELECT EXISTS (SELECT 1 FROM subjects WHERE administrator AND active)",
    );
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

/// The first `limit` subjects and tombstones of a span, in the order of their ids. A tombstone has no version
/// of the user.
pub(super) async fn versions(reader: &mut Reader, span: Span, limit: i64) -> Result<Vec<Held>, DbError> {
    // Limited twice: PostgreSQL would sort everybody behind the first id otherwise.
    let statement = "SELECT id, version FROM
            (SELECT id, version FROM subjects WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS living
        UNION ALL SELECT id, CAST(NULL AS BIGINT) AS version FROM
            (SELECT id FROM erased_subjects WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS gone
        ORDER BY id LIMIT $3";
    Ok(
        on_engine!(reader, c => sqlx::query_as(statement).bind(span.after).bind(span.through).bind(limit)
        .fetch_all(c).await?),
    )
}

/// The subjects and tombstones of these ids.
pub(super) async fn versions_by_ids(reader: &mut Reader, ids: &[Uuid]) -> Result<Vec<Held>, DbError> {
    let statement = sql!(reader,
        sqlite: "WITH asked AS (SELECT unhex(value) AS id FROM json_each($1))
            SELECT id, version FROM subjects WHERE id IN (SELECT id FROM asked)
            UNION ALL
            SELECT id, CAST(NULL AS BIGINT) AS version FROM erased_subjects WHERE id IN (SELECT id FROM asked)",
        postgres: "WITH asked AS (SELECT value::uuid AS id FROM jsonb_array_elements_text($1::jsonb) AS e(value))
            SELECT id, version FROM subjects WHERE id IN (SELECT id FROM asked)
            UNION ALL
            SELECT id, CAST(NULL AS BIGINT) AS version FROM erased_subjects WHERE id IN (SELECT id FROM asked)",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Raises the versions of all tombstones, after the database was restored from a backup.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    let statement = "UPDATE erased_subjects SET version = version + $1";
    on_engine!(tx, c => sqlx::query(statement).bind(by).execute(c).await.map(drop)?);
    Ok(())
}

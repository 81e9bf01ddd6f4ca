//! The statements of the note that a restoration leaves for the next start of the service.

use chassis::db::{DbError, Reader, Tx};
use chassis::on_engine;
use uuid::Uuid;

use super::Restoration;

/// The restoration that is noted and whose consequences were not drawn yet, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn pending(reader: &mut Reader) -> Result<Option<Restoration>, DbError> {
    let statement = "SELECT taken_at, restored_at, keep_sessions FROM restorations";
    Ok(on_engine!(reader, c => sqlx::query_as(statement).fetch_optional(c).await?))
}

/// Takes the note: of several replicas, one.
pub(super) async fn claim(tx: &mut Tx) -> Result<Option<Restoration>, DbError> {
    let statement = "DELETE FROM restorations WHERE one = 1 RETURNING taken_at, restored_at, keep_sessions";
    Ok(on_engine!(tx, c => sqlx::query_as(statement).fetch_optional(c).await?))
}

const ERASURES: &str = "CREATE TABLE IF NOT EXISTS restored_erasures (id UUID PRIMARY KEY)";

/// Takes the ids of the people who were erased in the database that was replaced. The caller erases them again in the same
/// transaction: the backup may be older than their deletion.
///
/// # Errors
/// When the database fails.
pub async fn take_erased(tx: &mut Tx) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM restored_erasures RETURNING id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_all(c).await?))
}

/// Notes who was erased in the database that is replaced, beside the [note](note_in) of the restoration.
///
/// # Errors
/// When the database fails.
pub async fn note_erased_in(tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = "INSERT INTO restored_erasures (id) VALUES ($1) ON CONFLICT DO NOTHING";
    for id in ids {
        on_engine!(&mut *tx, c => sqlx::query(statement).bind(*id).execute(c).await.map(drop)?);
    }
    Ok(())
}

/// The same as a script for PostgreSQL.
pub fn note_erased(ids: &[Uuid]) -> String {
    let mut script = format!("{ERASURES};\nDELETE FROM restored_erasures;\n");
    for id in ids {
        script.push_str(&format!("INSERT INTO restored_erasures VALUES ('{id}');\n"));
    }
    script
}

const DELETIONS: &str = "CREATE TABLE IF NOT EXISTS restored_deletions (id UUID PRIMARY KEY)";

/// Takes the ids of the people who were deleted, and not yet erased, in the database that was replaced. The caller deletes them again in
/// the same transaction: the backup may be older than their deletion.
///
/// # Errors
/// When the database fails.
pub async fn take_deleted(tx: &mut Tx) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM restored_deletions RETURNING id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_all(c).await?))
}

/// Notes who was deleted, and not yet erased, in the database that is replaced, beside the [note](note_in) of the restoration.
///
/// # Errors
/// When the database fails.
pub async fn note_deleted_in(tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = "INSERT INTO restored_deletions (id) VALUES ($1) ON CONFLICT DO NOTHING";
    for id in ids {
        on_engine!(&mut *tx, c => sqlx::query(statement).bind(*id).execute(c).await.map(drop)?);
    }
    Ok(())
}

/// The same as a script for PostgreSQL.
pub fn note_deleted(ids: &[Uuid]) -> String {
    let mut script = format!("{DELETIONS};\nDELETE FROM restored_deletions;\n");
    for id in ids {
        script.push_str(&format!("INSERT INTO restored_deletions VALUES ('{id}');\n"));
    }
    script
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS restorations (one INTEGER PRIMARY KEY CHECK (one = 1), \
    taken_at BIGINT NOT NULL, restored_at BIGINT NOT NULL, keep_sessions BOOLEAN NOT NULL)";

/// Notes a restoration, for the next start of the service to find.
///
/// # Errors
/// When the database fails.
pub async fn note_in(tx: &mut Tx, restoration: &Restoration) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(TABLE).execute(&mut *c).await?;
        sqlx::query("DELETE FROM restorations").execute(&mut *c).await?;
        sqlx::query("INSERT INTO restorations (one, taken_at, restored_at, keep_sessions) VALUES (1, $1, $2, $3)")
            .bind(restoration.taken_at)
            .bind(restoration.restored_at)
            .bind(restoration.keep_sessions)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The same as a script. It makes the table, because the backup may be of a version that did not know it.
pub fn note(restoration: &Restoration) -> String {
    let Restoration {
        taken_at,
        restored_at,
        keep_sessions,
    } = restoration;
    format!(
        "{TABLE};\n\
         DELETE FROM restorations;\n\
         INSERT INTO restorations VALUES (1, {}, {}, {keep_sessions});\n",
        taken_at.as_micros(),
        restored_at.as_micros(),
    )
}

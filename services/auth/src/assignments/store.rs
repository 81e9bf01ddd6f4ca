//! The table `role_assignments`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::GivenRole;

/// The roles that a subject was given at a client.
pub(super) async fn roles(
    db: &mut impl Connection,
    client: &str,
    subject: Uuid,
) -> Result<Vec<String>, DbError> {
    let statement = "SELECT role FROM role_assignments WHERE client_id = $1 AND subject = $2";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(client).bind(subject).fetch_all(c).await?))
}

/// A role to give to a subject.
pub(super) struct NewRow<'a> {
    pub(super) client: &'a str,
    pub(super) client_version: i64,
    pub(super) subject: Uuid,
    pub(super) role: &'a str,
}

/// Inserts a role of a subject, if the client has still the version that defines it. Returns whether it was inserted. The client is
/// held, so that a transaction that deletes it or the role waits, and then deletes this row.
pub(super) async fn insert(tx: &mut Tx, row: &NewRow<'_>, now: Timestamp) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO role_assignments (client_id, subject, role, assigned_at) SELECT $1, $2, $3, $4
            WHERE EXISTS (SELECT 1 FROM clients WHERE id = $1 AND version = $5)
            ON CONFLICT (client_id, subject, role) DO NOTHING",
        postgres: "INSERT INTO role_assignments (client_id, subject, role, assigned_at) SELECT $1, $2, $3, $4
            WHERE EXISTS (SELECT 1 FROM clients WHERE id = $1 AND version = $5 FOR SHARE)
            ON CONFLICT (client_id, subject, role) DO NOTHING",
    );
    let inserted = on_engine!(tx, c => sqlx::query(statement).bind(row.client).bind(row.subject).bind(row.role)
        .bind(now).bind(row.client_version).execute(c).await?.rows_affected());
    Ok(inserted == 1)
}

/// Deletes a role of a subject. Returns whether they had it.
pub(super) async fn delete(tx: &mut Tx, client: &str, subject: Uuid, role: &str) -> Result<bool, DbError> {
    let statement = "DELETE FROM role_assignments WHERE client_id = $1 AND subject = $2 AND role = $3";
    let deleted = on_engine!(tx, c => sqlx::query(statement).bind(client).bind(subject).bind(role)
        .execute(c).await?.rows_affected());
    Ok(deleted == 1)
}

/// The first `limit` roles at a client after the one of `after`, in the order of subjects and roles.
pub(super) async fn list(
    db: &mut impl Connection,
    client: &str,
    (subject, role): (Uuid, &str),
    limit: i64,
) -> Result<Vec<GivenRole>, DbError> {
    let statement = "SELECT subject, role, assigned_at FROM role_assignments
        WHERE client_id = $1 AND (subject, role) > ($2, $3) ORDER BY subject, role LIMIT $4";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(client).bind(subject).bind(role).bind(limit)
        .fetch_all(c).await?),
    )
}

/// Deletes a role at a client of everybody, because the client does not define it any more.
pub(crate) async fn delete_roles(tx: &mut Tx, client: &str, role: &str) -> Result<(), DbError> {
    let statement = "DELETE FROM role_assignments WHERE client_id = $1 AND role = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(client).bind(role).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every role at a client, which was deleted: a later client with its id is another one.
pub(crate) async fn delete_by_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    let statement = "DELETE FROM role_assignments WHERE client_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(client).execute(c).await.map(drop)?);
    Ok(())
}

//! Statements that revoke grants, and those that list and sweep what was revoked.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use super::super::{DeletedClient, LiveGrant};

/// Revokes one grant. Returns whether it was live.
pub(in crate::grants) async fn revoke(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).bind(now).execute(c).await?.rows_affected() == 1),
    )
}

/// Deletes the codes of a session and revokes its grants except the offline ones. The codes come first,
/// because a code that is being redeemed has its grant by the time the statement returns.
pub(in crate::grants) async fn revoke_session(
    tx: &mut Tx,
    session: Uuid,
    now: Timestamp,
) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE session_id = $1")
        .bind(session).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL AND NOT offline")
        .bind(session).bind(now).execute(c).await?.rows_affected()))
}

/// Deletes the codes of a subject and revokes all its grants, like [`revoke_session`].
pub(in crate::grants) async fn revoke_subject(
    tx: &mut Tx,
    subject: Uuid,
    now: Timestamp,
) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE subject = $1")
        .bind(subject).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE subject = $1 AND revoked_at IS NULL")
        .bind(subject).bind(now).execute(c).await?.rows_affected()))
}

/// Deletes the codes that a client has for a subject and revokes its grants of the subject, like [`revoke_session`]. Returns the
/// number of codes and grants that had not ended. A code that has expired goes too: a redemption that began before holds its row.
pub(in crate::grants) async fn revoke_subject_of_client(
    tx: &mut Tx,
    subject: Uuid,
    client: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    let codes: Vec<bool> = on_engine!(&mut *tx, c => sqlx::query_scalar(
        "DELETE FROM authorization_codes WHERE subject = $1 AND client_id = $2
         RETURNING used_at IS NULL AND expires_at > $3")
        .bind(subject).bind(client).bind(now).fetch_all(c).await?);
    let grants: Vec<bool> = on_engine!(tx, c => sqlx::query_scalar(
        "UPDATE grants SET revoked_at = $3 WHERE subject = $1 AND client_id = $2 AND revoked_at IS NULL
         RETURNING expires_at > $3")
        .bind(subject).bind(client).bind(now).fetch_all(c).await?);
    Ok(codes.into_iter().chain(grants).map(u64::from).sum())
}

/// The grants of a subject that have not ended.
pub(in crate::grants) async fn live_of_subject(
    db: &mut impl Connection,
    subject: Uuid,
    now: Timestamp,
) -> Result<Vec<LiveGrant>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT client_id, scope, audiences, created_at FROM grants
         WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY created_at")
        .bind(subject).bind(now).fetch_all(c).await?))
}

/// Deletes the codes of a client and revokes all its grants, like [`revoke_session`].
pub(in crate::grants) async fn revoke_client(
    tx: &mut Tx,
    client: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE client_id = $1")
        .bind(client).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
        .bind(client).bind(now).execute(c).await?.rows_affected()))
}

/// Records that the access tokens of a client are void up to a time.
pub(in crate::grants) async fn void_client_tokens(
    tx: &mut Tx,
    client: &str,
    until: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("INSERT INTO deleted_clients (client_id, deleted_at) VALUES ($1, $2)
         ON CONFLICT (client_id) DO UPDATE SET deleted_at = excluded.deleted_at")
        .bind(client).bind(until).execute(c).await.map(drop)?);
    Ok(())
}

/// The grants, and the tokens of clients for themselves, that were revoked since `from`.
pub(in crate::grants) async fn revoked_since(
    db: &mut impl Connection,
    from: Timestamp,
) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_scalar(
        "SELECT id FROM grants WHERE revoked_at >= $1 UNION ALL SELECT id FROM revoked_tokens WHERE revoked_at >= $1")
        .bind(from).fetch_all(c).await?))
}

/// The clients whose access tokens are void up to a time after `from`.
pub(in crate::grants) async fn clients_deleted_since(
    db: &mut impl Connection,
    from: Timestamp,
) -> Result<Vec<DeletedClient>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT client_id, deleted_at FROM deleted_clients WHERE deleted_at >= $1 ORDER BY client_id")
        .bind(from).fetch_all(c).await?))
}

/// Deletes revoked tokens of clients that expired before `before`.
pub(in crate::grants) async fn sweep_revoked_tokens(tx: &mut Tx, before: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM revoked_tokens WHERE expires_at < $1")
        .bind(before).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes codes, grants and their refresh tokens, and records of deleted clients, that ended before
/// `before`.
pub(in crate::grants) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    let codes = on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE expires_at < $1")
        .bind(before).execute(c).await?.rows_affected());
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM deleted_clients WHERE deleted_at < $1")
        .bind(before).execute(c).await.map(drop)?);
    let grants = on_engine!(tx, c => sqlx::query("DELETE FROM grants WHERE expires_at < $1 OR revoked_at < $1")
        .bind(before).execute(c).await?.rows_affected());
    Ok(codes + grants)
}

/// Revokes every grant, also the offline ones, and deletes every code.
pub(in crate::grants) async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL").bind(now).execute(&mut *c).await?;
        sqlx::query("DELETE FROM authorization_codes").execute(c).await?;
    });
    Ok(())
}

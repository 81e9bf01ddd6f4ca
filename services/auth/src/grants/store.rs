//! The tables `authorization_codes`, `grants`, `refresh_tokens` and `deleted_clients`. Secrets are stored as
//! hashes.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use oidc::resource::Resource;
use sqlx::types::Json;
use uuid::Uuid;

use super::{DeletedClient, MAX_CODE_LIFETIME};

#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct CodeRow {
    pub(crate) client_id: String,
    pub(crate) subject: Uuid,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) redirect_uri: String,
    pub(crate) redirect_uri_sent: bool,
    pub(crate) scope: String,
    pub(crate) audiences: Json<Vec<Resource>>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) auth_time: Timestamp,
    pub(crate) amr: Json<Vec<String>>,
    pub(crate) expires_at: Timestamp,
    pub(crate) grant_id: Option<Uuid>,
}

#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct GrantRow {
    pub(crate) id: Uuid,
    pub(crate) client_id: String,
    pub(crate) subject: Uuid,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) scope: String,
    pub(crate) audiences: Json<Vec<Resource>>,
    pub(crate) auth_time: Timestamp,
    pub(crate) amr: Json<Vec<String>>,
    pub(crate) offline: bool,
    pub(crate) rotation_secret: Vec<u8>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct RefreshRow {
    pub(crate) grant_id: Uuid,
    pub(crate) rotated_at: Option<Timestamp>,
    pub(crate) successor: Option<Vec<u8>>,
}

/// Inserts a code when its session is live. Returns whether it was inserted. The session is locked, so that a
/// transaction that ends it waits and then deletes this code.
pub(crate) async fn insert_code(tx: &mut Tx, hash: &TokenHash, code: &CodeRow) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO authorization_codes (hash, client_id, subject, session_id, redirect_uri,
                redirect_uri_sent, scope, audiences, nonce, code_challenge, auth_time, amr, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            WHERE $4 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE id = $4)",
        postgres: "INSERT INTO authorization_codes (hash, client_id, subject, session_id, redirect_uri,
                redirect_uri_sent, scope, audiences, nonce, code_challenge, auth_time, amr, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            WHERE $4 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE id = $4 FOR KEY SHARE)",
    );
    Ok(on_engine!(tx, c => sqlx::query(statement)
        .bind(hash.as_bytes()).bind(&code.client_id).bind(code.subject).bind(code.session_id)
        .bind(&code.redirect_uri).bind(code.redirect_uri_sent).bind(&code.scope).bind(&code.audiences)
        .bind(&code.nonce).bind(&code.code_challenge).bind(code.auth_time).bind(&code.amr).bind(code.expires_at)
        .execute(c).await?.rows_affected() == 1))
}

pub(crate) async fn find_code(
    db: &mut impl Connection,
    hash: &TokenHash,
) -> Result<Option<CodeRow>, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_as("SELECT * FROM authorization_codes WHERE hash = $1")
        .bind(hash.as_bytes()).fetch_optional(c).await?),
    )
}

/// Consumes a code of `client` for the grant `grant_id`. Returns `None` when there is no unused, unexpired
/// code.
pub(crate) async fn consume_code(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &str,
    grant_id: Uuid,
    now: Timestamp,
) -> Result<Option<CodeRow>, DbError> {
    Ok(on_engine!(tx, c => sqlx::query_as(
        "UPDATE authorization_codes SET used_at = $4, grant_id = $3
         WHERE hash = $1 AND client_id = $2 AND used_at IS NULL AND expires_at > $4 AND expires_at <= $5 RETURNING *")
        .bind(hash.as_bytes()).bind(client).bind(grant_id).bind(now).bind(now.latest(MAX_CODE_LIFETIME)).fetch_optional(c).await?))
}

pub(crate) async fn insert_grant(tx: &mut Tx, grant: &GrantRow) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO grants (id, client_id, subject, session_id, scope, audiences, auth_time, amr, offline,
             rotation_secret, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(grant.id).bind(&grant.client_id).bind(grant.subject).bind(grant.session_id).bind(&grant.scope)
        .bind(&grant.audiences).bind(grant.auth_time).bind(&grant.amr).bind(grant.offline)
        .bind(&grant.rotation_secret).bind(grant.created_at).bind(grant.expires_at)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Locks a live grant until the transaction ends, so that rotations of one grant are serialized.
pub(crate) async fn lock_grant(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<Option<GrantRow>, DbError> {
    Ok(on_engine!(tx, c => sqlx::query_as(
        "UPDATE grants SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 RETURNING *")
        .bind(id).bind(now).fetch_optional(c).await?))
}

pub(super) async fn is_live(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    let found: Option<i32> = on_engine!(db, c => sqlx::query_scalar(
        "SELECT 1 FROM grants WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).fetch_optional(c).await?);
    Ok(found.is_some())
}

pub(crate) async fn insert_refresh_token(
    tx: &mut Tx,
    hash: &TokenHash,
    grant_id: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("INSERT INTO refresh_tokens (hash, grant_id, created_at) VALUES ($1, $2, $3)")
        .bind(hash.as_bytes()).bind(grant_id).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

pub(crate) async fn find_refresh_token(
    db: &mut impl Connection,
    hash: &[u8],
) -> Result<Option<RefreshRow>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT grant_id, rotated_at, successor FROM refresh_tokens WHERE hash = $1")
        .bind(hash).fetch_optional(c).await?))
}

/// Marks a refresh token as rotated to `successor`. Returns whether it was not rotated before.
pub(crate) async fn rotate(
    tx: &mut Tx,
    hash: &TokenHash,
    successor: &TokenHash,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE refresh_tokens SET rotated_at = $3, successor = $2 WHERE hash = $1 AND rotated_at IS NULL")
        .bind(hash.as_bytes()).bind(successor.as_bytes()).bind(now).execute(c).await?.rows_affected() == 1))
}

/// Revokes one grant. Returns whether it was live.
pub(super) async fn revoke(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).bind(now).execute(c).await?.rows_affected() == 1),
    )
}

/// Deletes the codes of a session and revokes its grants except the offline ones. The codes come first,
/// because a code that is being redeemed has its grant by the time the statement returns.
pub(super) async fn revoke_session(tx: &mut Tx, session: Uuid, now: Timestamp) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE session_id = $1")
        .bind(session).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL AND NOT offline")
        .bind(session).bind(now).execute(c).await?.rows_affected()))
}

/// Deletes the codes of a subject and revokes all its grants, like [`revoke_session`].
pub(super) async fn revoke_subject(tx: &mut Tx, subject: Uuid, now: Timestamp) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE subject = $1")
        .bind(subject).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE subject = $1 AND revoked_at IS NULL")
        .bind(subject).bind(now).execute(c).await?.rows_affected()))
}

/// Deletes the codes of a client and revokes all its grants, like [`revoke_session`].
pub(super) async fn revoke_client(tx: &mut Tx, client: &str, now: Timestamp) -> Result<u64, DbError> {
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE client_id = $1")
        .bind(client).execute(c).await.map(drop)?);
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
        .bind(client).bind(now).execute(c).await?.rows_affected()))
}

/// Records a deleted client.
pub(super) async fn insert_deleted_client(tx: &mut Tx, client: &str, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("INSERT INTO deleted_clients (client_id, deleted_at) VALUES ($1, $2)
         ON CONFLICT (client_id) DO UPDATE SET deleted_at = excluded.deleted_at")
        .bind(client).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// The grants that were revoked since `from`.
pub(super) async fn revoked_since(db: &mut impl Connection, from: Timestamp) -> Result<Vec<Uuid>, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_scalar("SELECT id FROM grants WHERE revoked_at >= $1")
        .bind(from).fetch_all(c).await?),
    )
}

/// The clients that were deleted since `from`.
pub(super) async fn clients_deleted_since(
    db: &mut impl Connection,
    from: Timestamp,
) -> Result<Vec<DeletedClient>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT client_id, deleted_at FROM deleted_clients WHERE deleted_at >= $1 ORDER BY client_id")
        .bind(from).fetch_all(c).await?))
}

/// Deletes codes, grants and their refresh tokens, and records of deleted clients, that ended before
/// `before`.
pub(super) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    let codes = on_engine!(&mut *tx, c => sqlx::query("DELETE FROM authorization_codes WHERE expires_at < $1")
        .bind(before).execute(c).await?.rows_affected());
    on_engine!(&mut *tx, c => sqlx::query("DELETE FROM deleted_clients WHERE deleted_at < $1")
        .bind(before).execute(c).await.map(drop)?);
    let grants = on_engine!(tx, c => sqlx::query("DELETE FROM grants WHERE expires_at < $1 OR revoked_at < $1")
        .bind(before).execute(c).await?.rows_affected());
    Ok(codes + grants)
}

/// Revokes every grant, also the offline ones, and deletes every code.
pub(super) async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL").bind(now).execute(&mut *c).await?;
        sqlx::query("DELETE FROM authorization_codes").execute(c).await?;
    });
    Ok(())
}

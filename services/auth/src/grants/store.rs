//! The tables `authorization_codes`, `bound_codes`, `code_details`, `grants`, `bound_grants`, `grant_details`, `refresh_tokens`, `revoked_tokens` and
//! `deleted_clients`. Secrets are stored as hashes.

mod revoke;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use contract::UserState;
use oidc::grant::GrantDetails;
use oidc::resource::Resource;
use sqlx::types::Json;
use uuid::Uuid;

pub(super) use revoke::{
    clients_deleted_since, live_of_subject, revoke, revoke_all, revoke_client, revoke_session,
    revoke_subject, revoke_subject_of_client, revoked_since, sweep, sweep_revoked_tokens, void_client_tokens,
};

use super::{ClientToken, JsonText, MAX_CODE_LIFETIME};

/// The columns of [`CodeRow`]. They are named, so that a later release can add one while this one runs: PostgreSQL refuses a
/// prepared `SELECT *` whose columns have changed. The key and the details have tables of their own, because the release before selects `*`.
macro_rules! code_columns {
    () => {
        "client_id, subject, session_id, redirect_uri, redirect_uri_sent, scope, audiences, nonce, code_challenge, auth_time, amr,
         expires_at, grant_id,
         (SELECT dpop_jkt FROM bound_codes WHERE code_hash = authorization_codes.hash) AS dpop_jkt,
         (SELECT COALESCE(details_text, CAST(details AS TEXT)) FROM code_details
          WHERE code_hash = authorization_codes.hash) AS details"
    };
}

/// The columns of [`GrantRow`], for the same reasons.
macro_rules! grant_columns {
    () => {
        "id, client_id, subject, session_id, scope, audiences, auth_time, amr, offline, rotation_secret, created_at, expires_at,
         (SELECT dpop_jkt FROM bound_grants WHERE grant_id = grants.id) AS dpop_jkt,
         (SELECT COALESCE(details_text, CAST(details AS TEXT)) FROM grant_details WHERE grant_id = grants.id) AS details"
    };
}

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
    pub(crate) dpop_jkt: Option<String>,
    /// Absent if the grant gives nothing beside its scope.
    pub(crate) details: Option<JsonText<GrantDetails>>,
    pub(crate) auth_time: Timestamp,
    pub(crate) amr: Json<Vec<String>>,
    pub(crate) expires_at: Timestamp,
    pub(crate) grant_id: Option<Uuid>,
}

/// A code that was just consumed, with the state of its subject.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct ConsumedCode {
    #[sqlx(flatten)]
    pub(crate) code: CodeRow,
    pub(crate) state: Option<Json<UserState>>,
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
    /// The key that its refresh tokens are bound to.
    pub(crate) dpop_jkt: Option<String>,
    /// Absent if it gives nothing beside its scope.
    pub(crate) details: Option<JsonText<GrantDetails>>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct RefreshRow {
    pub(crate) grant_id: Uuid,
    pub(crate) rotated_at: Option<Timestamp>,
    pub(crate) successor: Option<Vec<u8>>,
}

/// The conditions of a code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeConditions<'a> {
    /// The client is still the one with this id in events.
    pub(crate) client: Uuid,
    /// The consent of the subject to the client has exactly this scope and these audiences, each as it is stored. `None` if none is
    /// needed.
    pub(crate) consent: Option<(&'a str, &'a str)>,
}

/// Inserts a code when its session is live and its conditions hold. Returns whether it was inserted. Session and consent are
/// locked, so that a transaction that ends them waits and then deletes this code.
pub(crate) async fn insert_code(
    tx: &mut Tx,
    hash: &TokenHash,
    code: &CodeRow,
    conditions: CodeConditions<'_>,
) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO authorization_codes (hash, client_id, subject, session_id, redirect_uri,
                redirect_uri_sent, scope, audiences, nonce, code_challenge, auth_time, amr, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            WHERE ($4 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE id = $4))
              AND EXISTS (SELECT 1 FROM clients WHERE id = $2 AND aggregate_id = $15)
              AND ($14 IS NULL OR EXISTS (
                SELECT 1 FROM consents
                WHERE subject = $3 AND client_id = $2 AND scope = $14 AND COALESCE(audiences, '') = $16))",
        postgres: "INSERT INTO authorization_codes (hash, client_id, subject, session_id, redirect_uri,
                redirect_uri_sent, scope, audiences, nonce, code_challenge, auth_time, amr, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            WHERE ($4 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE id = $4 FOR KEY SHARE))
              AND EXISTS (SELECT 1 FROM clients WHERE id = $2 AND aggregate_id = $15)
              AND ($14 IS NULL OR EXISTS (
                SELECT 1 FROM consents
                WHERE subject = $3 AND client_id = $2 AND scope = $14 AND COALESCE(audiences, '') = $16 FOR KEY SHARE))",
    );
    let (scope, audiences) = conditions.consent.unzip();
    let inserted = on_engine!(tx, c => sqlx::query(statement)
        .bind(hash.as_bytes()).bind(&code.client_id).bind(code.subject).bind(code.session_id)
        .bind(&code.redirect_uri).bind(code.redirect_uri_sent).bind(&code.scope).bind(&code.audiences)
        .bind(&code.nonce).bind(&code.code_challenge).bind(code.auth_time).bind(&code.amr).bind(code.expires_at)
        .bind(scope).bind(conditions.client).bind(audiences)
        .execute(c).await?.rows_affected() == 1);
    if let Some(jkt) = code.dpop_jkt.as_ref().filter(|_| inserted) {
        let bind = "INSERT INTO bound_codes (code_hash, dpop_jkt) VALUES ($1, $2)";
        on_engine!(&mut *tx, c => sqlx::query(bind).bind(hash.as_bytes()).bind(jkt).execute(c).await.map(drop)?);
    }
    if let Some(details) = code.details.as_ref().filter(|_| inserted) {
        let insert = "INSERT INTO code_details (code_hash, details, details_text) VALUES ($1, $2, $3)";
        on_engine!(tx, c => sqlx::query(insert).bind(hash.as_bytes()).bind(Json(&details.0)).bind(details)
            .execute(c).await.map(drop)?);
    }
    Ok(inserted)
}

pub(crate) async fn find_code(
    db: &mut impl Connection,
    hash: &TokenHash,
) -> Result<Option<CodeRow>, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_as(concat!("SELECT ", code_columns!(), " FROM authorization_codes WHERE hash = $1"))
        .bind(hash.as_bytes()).fetch_optional(c).await?),
    )
}

/// Consumes a code of `client` for the grant `grant_id`, and reads the state of its subject. Returns `None` when there is no
/// unused, unexpired code.
pub(crate) async fn consume_code(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &str,
    grant_id: Uuid,
    now: Timestamp,
) -> Result<Option<ConsumedCode>, DbError> {
    Ok(on_engine!(tx, c => sqlx::query_as(concat!(
        "UPDATE authorization_codes SET used_at = $4, grant_id = $3
         WHERE hash = $1 AND client_id = $2 AND used_at IS NULL AND (expires_at > $4 AND expires_at <= $5) IS TRUE RETURNING ",
        code_columns!(), ", (SELECT claims FROM subjects WHERE subjects.id = authorization_codes.subject) AS state"))
        .bind(hash.as_bytes()).bind(client).bind(grant_id).bind(now).bind(now.latest(MAX_CODE_LIFETIME)).fetch_optional(c).await?))
}

/// Inserts a grant, with its refresh token if it has one: by one statement on PostgreSQL, and on one way to the thread of
/// SQLite and back.
pub(crate) async fn insert_grant(
    tx: &mut Tx,
    grant: &GrantRow,
    refresh_token: Option<&TokenHash>,
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO grants (id, client_id, subject, session_id, scope, audiences, auth_time, amr, offline,
                 rotation_secret, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);
             INSERT INTO refresh_tokens (hash, grant_id, created_at) SELECT $13, $1, $11 WHERE $13 IS NOT NULL",
        postgres: "WITH inserted AS (
                 INSERT INTO grants (id, client_id, subject, session_id, scope, audiences, auth_time, amr, offline,
                     rotation_secret, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))
             INSERT INTO refresh_tokens (hash, grant_id, created_at) SELECT $13, $1, $11 WHERE $13 IS NOT NULL",
    );
    on_engine!(tx, c => sqlx::query(statement)
        .bind(grant.id).bind(&grant.client_id).bind(grant.subject).bind(grant.session_id).bind(&grant.scope)
        .bind(&grant.audiences).bind(grant.auth_time).bind(&grant.amr).bind(grant.offline)
        .bind(&grant.rotation_secret).bind(grant.created_at).bind(grant.expires_at)
        .bind(refresh_token.map(TokenHash::as_bytes))
        .execute(c).await.map(drop)?);
    if let Some(details) = &grant.details {
        let insert = "INSERT INTO grant_details (grant_id, details, details_text) VALUES ($1, $2, $3)";
        on_engine!(&mut *tx, c => sqlx::query(insert).bind(grant.id).bind(Json(&details.0)).bind(details)
            .execute(c).await.map(drop)?);
    }
    match &grant.dpop_jkt {
        Some(jkt) => bind_grant(tx, grant.id, jkt).await,
        None => Ok(()),
    }
}

/// The key that the refresh tokens of a grant are bound to (RFC 9449 §5).
pub(crate) async fn bound_key(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query_scalar("SELECT dpop_jkt FROM bound_grants WHERE grant_id = $1")
        .bind(id).fetch_optional(c).await?),
    )
}

/// Binds the refresh tokens of a grant to a key.
pub(crate) async fn bind_grant(tx: &mut Tx, id: Uuid, jkt: &str) -> Result<(), DbError> {
    let bind = "INSERT INTO bound_grants (grant_id, dpop_jkt) VALUES ($1, $2)";
    on_engine!(tx, c => sqlx::query(bind).bind(id).bind(jkt).execute(c).await.map(drop)?);
    Ok(())
}

/// Locks a live grant until the transaction ends, so that rotations of one grant are serialized.
pub(crate) async fn lock_grant(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<Option<GrantRow>, DbError> {
    Ok(on_engine!(tx, c => sqlx::query_as(concat!(
        "UPDATE grants SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 RETURNING ",
        grant_columns!()))
        .bind(id).bind(now).fetch_optional(c).await?))
}

/// The subject and the session of a live grant.
pub(super) async fn holder(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Option<(Uuid, Option<Uuid>)>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT subject, session_id FROM grants WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).fetch_optional(c).await?))
}

/// The subject and the details of a grant that is not revoked, for a token that was issued to `client`. `None` if it is; no details if it
/// has none, or for another client, which got the token by exchange.
pub(super) async fn find_details(
    db: &mut impl Connection,
    id: Uuid,
    client: &str,
) -> Result<Option<(Uuid, Option<JsonText<GrantDetails>>)>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT subject, (SELECT COALESCE(details_text, CAST(details AS TEXT)) FROM grant_details
             WHERE grant_id = grants.id AND grants.client_id = $2) FROM grants
         WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).bind(client).fetch_optional(c).await?))
}

/// A live grant.
pub(crate) async fn find_live(
    db: &mut impl Connection,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<GrantRow>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(concat!(
        "SELECT ", grant_columns!(), " FROM grants WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2"))
        .bind(id).bind(now).fetch_optional(c).await?))
}

/// Revokes an access token of a client for itself, unless `most` of its revoked tokens have not expired yet. Returns whether
/// it was inserted. Insertions at the same time may exceed the limit a little.
pub(super) async fn insert_revoked_token(
    tx: &mut Tx,
    token: &ClientToken<'_>,
    now: Timestamp,
    most: i64,
) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
        "INSERT INTO revoked_tokens (id, client_id, revoked_at, expires_at) SELECT $1, $2, $3, $4
         WHERE (SELECT COUNT(*) FROM revoked_tokens WHERE client_id = $2 AND expires_at > $3) < $5
         ON CONFLICT (id) DO NOTHING")
        .bind(token.id).bind(token.client_id).bind(now).bind(token.expires_at).bind(most)
        .execute(c).await?.rows_affected() == 1))
}

pub(crate) async fn is_token_revoked(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    let found: Option<i32> = on_engine!(db, c => sqlx::query_scalar("SELECT 1 FROM revoked_tokens WHERE id = $1")
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

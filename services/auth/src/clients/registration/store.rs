//! The tables `initial_access_tokens`, `client_registrations` and `client_statements`.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;
use uuid::Uuid;

use super::InitialAccessToken;

/// The time for which an expired token is still listed.
const LISTED: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(sqlx_macros::FromRow)]
struct TokenRow {
    id: Uuid,
    name: String,
    max_uses: i64,
    uses: i64,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<TokenRow> for InitialAccessToken {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            max_uses: row.max_uses,
            uses: row.uses,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx, token: &InitialAccessToken, hash: &TokenHash) -> Result<(), DbError> {
    let statement =
        "INSERT INTO initial_access_tokens (id, hash, name, max_uses, uses, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on_engine!(tx, c => sqlx::query(statement).bind(token.id).bind(hash.as_bytes()).bind(&token.name)
        .bind(token.max_uses).bind(token.uses).bind(token.created_at).bind(token.expires_at)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// The id of a token that has a use left. It changes nothing.
pub(super) async fn find_usable(
    db: &mut impl Connection,
    hash: &TokenHash,
    now: Timestamp,
) -> Result<Option<Uuid>, DbError> {
    let statement =
        "SELECT id FROM initial_access_tokens WHERE hash = $1 AND uses < max_uses AND expires_at > $2";
    Ok(
        on_engine!(db, c => sqlx::query_scalar(statement).bind(hash.as_bytes()).bind(now)
        .fetch_optional(c).await?),
    )
}

/// Claims one use of a token. Returns its id, or nothing if it is unknown, used up or expired.
pub(super) async fn claim(tx: &mut Tx, hash: &TokenHash, now: Timestamp) -> Result<Option<Uuid>, DbError> {
    let statement = "UPDATE initial_access_tokens SET uses = uses + 1
        WHERE hash = $1 AND uses < max_uses AND expires_at > $2 RETURNING id";
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(hash.as_bytes()).bind(now)
        .fetch_optional(c).await?),
    )
}

/// Stores which initial access token a client was registered with.
pub(super) async fn set_initial_token(tx: &mut Tx, client_id: &str, token: Uuid) -> Result<(), DbError> {
    let statement = "UPDATE client_registrations SET initial_token_id = $2 WHERE client_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(client_id).bind(token).execute(c).await.map(drop)?);
    Ok(())
}

/// Stores the software statement of a client, in place of an earlier one. Returns false if it is the one that the client has.
pub(super) async fn set_statement(
    tx: &mut Tx,
    client_id: &str,
    issuer: &str,
    software_statement: &str,
) -> Result<bool, DbError> {
    let statement = "INSERT INTO client_statements (client_id, issuer, statement) VALUES ($1, $2, $3)
        ON CONFLICT (client_id) DO UPDATE SET issuer = excluded.issuer, statement = excluded.statement
        WHERE client_statements.statement <> excluded.statement";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(client_id).bind(issuer).bind(software_statement)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// The software statement of a client.
pub(super) async fn find_statement(
    db: &mut impl Connection,
    client_id: &str,
) -> Result<Option<String>, DbError> {
    let statement = "SELECT statement FROM client_statements WHERE client_id = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(client_id).fetch_optional(c).await?))
}

/// Stores that a client that registered itself was given tokens.
pub(crate) async fn mark_used(tx: &mut Tx, client_id: &str, now: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE client_registrations SET used_at = $2 WHERE client_id = $1 AND used_at IS NULL";
    on_engine!(tx, c => sqlx::query(statement).bind(client_id).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// The ids of some clients that registered themselves without an initial access token before `before`, and were never given
/// tokens.
pub(super) async fn list_unused(
    db: &mut impl Connection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let statement = "SELECT clients.id FROM clients
            JOIN client_registrations AS registrations ON registrations.client_id = clients.id
        WHERE clients.origin = 'registration' AND clients.created_at < $1
            AND registrations.used_at IS NULL AND registrations.initial_token_id IS NULL
        ORDER BY clients.id LIMIT $2";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(before).bind(limit).fetch_all(c).await?))
}

/// Deletes the registration of a client that is still unused. Returns whether there was one.
pub(super) async fn delete_unused(tx: &mut Tx, client_id: &str) -> Result<bool, DbError> {
    let statement = "DELETE FROM client_registrations WHERE client_id = $1 AND used_at IS NULL";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(client_id).execute(c).await?.rows_affected() == 1))
}

pub(super) async fn count(db: &mut impl Connection) -> Result<i64, DbError> {
    let statement = "SELECT COUNT(*) FROM initial_access_tokens";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

pub(super) async fn list(db: &mut impl Connection) -> Result<Vec<InitialAccessToken>, DbError> {
    let statement = "SELECT id, name, max_uses, uses, created_at, expires_at FROM initial_access_tokens
        ORDER BY created_at DESC, id";
    let rows: Vec<TokenRow> = on_engine!(db, c => sqlx::query_as(statement).fetch_all(c).await?);
    Ok(rows.into_iter().map(InitialAccessToken::from).collect())
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let statement = "DELETE FROM initial_access_tokens WHERE id = $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected() == 1))
}

/// Deletes tokens that expired some time ago.
pub(in crate::clients) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    let statement = "DELETE FROM initial_access_tokens WHERE expires_at <= $1";
    on_engine!(tx, c => sqlx::query(statement).bind(now - LISTED).execute(c).await.map(drop)?);
    Ok(())
}

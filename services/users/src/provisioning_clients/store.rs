//! The tables `provisioning_clients` and `provisioning_tokens`.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use uuid::Uuid;

/// A row of `provisioning_clients`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(super) struct ClientRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) networks: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A row of `provisioning_tokens`, without the hash.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(super) struct TokenRow {
    pub(super) id: Uuid,
    pub(super) client_id: Uuid,
    pub(super) ending: String,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) last_used_at: Option<Timestamp>,
}

/// A token with what its client may do.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct Presented {
    pub(super) id: Uuid,
    pub(super) client_id: Uuid,
    pub(super) expires_at: Timestamp,
    pub(super) last_used_at: Option<Timestamp>,
    pub(super) scope: String,
    pub(super) networks: String,
}

/// The columns of [`ClientRow`].
macro_rules! client_columns {
    () => {
        "id, name, scope, networks, created_at, updated_at"
    };
}

/// Inserts a client; `false` when its name is taken.
pub(super) async fn insert_client(tx: &mut Tx, client: &ClientRow, name_key: &str) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO provisioning_clients
             (id, name, name_key, scope, networks, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let rows = on_engine!(tx, c => sqlx::query(INSERT)
        .bind(client.id)
        .bind(&client.name)
        .bind(name_key)
        .bind(&client.scope)
        .bind(&client.networks)
        .bind(client.created_at)
        .bind(client.updated_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Writes a locked client.
///
/// # Errors
/// [`DbError::Unique`] when the name is taken.
pub(super) async fn update_client(tx: &mut Tx, client: &ClientRow, name_key: &str) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE provisioning_clients
         SET name = $2, name_key = $3, scope = $4, networks = $5, updated_at = $6 WHERE id = $1";
    on_engine!(tx, c => sqlx::query(UPDATE)
        .bind(client.id)
        .bind(&client.name)
        .bind(name_key)
        .bind(&client.scope)
        .bind(&client.networks)
        .bind(client.updated_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Deletes a client and its tokens; `false` when there is no such client.
pub(super) async fn delete_client(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM provisioning_clients WHERE id = $1";
    let rows = on_engine!(tx, c => sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Notes that a client was deleted, whose identifiers are to be removed.
pub(super) async fn note_deleted(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), DbError> {
    const NOTE: &str =
        "INSERT INTO deleted_provisioning_clients (id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    on_engine!(tx, c => sqlx::query(NOTE).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The deleted clients that are noted.
pub(super) async fn deleted(connection: &mut impl Connection) -> Result<Vec<Uuid>, DbError> {
    const DELETED: &str = "SELECT id FROM deleted_provisioning_clients ORDER BY deleted_at, id";
    Ok(on_engine!(connection, c => sqlx::query_scalar(DELETED).fetch_all(c).await?))
}

/// The time at which a client was deleted, unless another replica works on it. Nobody else works on it until the transaction ends.
pub(super) async fn claim_deleted(tx: &mut Tx, id: Uuid) -> Result<Option<Timestamp>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT deleted_at FROM deleted_provisioning_clients WHERE id = $1",
        postgres: "SELECT deleted_at FROM deleted_provisioning_clients WHERE id = $1 FOR UPDATE SKIP LOCKED",
    );
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Notes an earlier time of a deletion.
pub(super) async fn set_deleted_at(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<(), DbError> {
    const SET: &str = "UPDATE deleted_provisioning_clients SET deleted_at = $2 WHERE id = $1";
    on_engine!(tx, c => sqlx::query(SET).bind(id).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes the note of a client of which nothing is left.
pub(super) async fn forget_deleted(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    const FORGET: &str = "DELETE FROM deleted_provisioning_clients WHERE id = $1";
    on_engine!(tx, c => sqlx::query(FORGET).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// One client.
pub(super) async fn find_client(
    connection: &mut impl Connection,
    id: Uuid,
) -> Result<Option<ClientRow>, DbError> {
    const FIND: &str = concat!(
        "SELECT ",
        client_columns!(),
        " FROM provisioning_clients WHERE id = $1"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// Those of some ids that clients have.
pub(super) async fn existing(
    connection: &mut impl Connection,
    ids: &BTreeSet<Uuid>,
) -> Result<BTreeSet<Uuid>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id FROM provisioning_clients WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id FROM provisioning_clients
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let ids = id_list(ids.iter().copied());
    let found: Vec<Uuid> =
        on_engine!(connection, c => sqlx::query_scalar(statement).bind(ids).fetch_all(c).await?);
    Ok(found.into_iter().collect())
}

/// One client, whom nobody else can change or give a token until the transaction ends.
pub(super) async fn lock_client(tx: &mut Tx, id: Uuid) -> Result<Option<ClientRow>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: concat!("SELECT ", client_columns!(), " FROM provisioning_clients WHERE id = $1"),
        postgres: concat!("SELECT ", client_columns!(), " FROM provisioning_clients WHERE id = $1 FOR UPDATE"),
    );
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(id).fetch_optional(c).await?))
}

/// The clients after an id, in order.
pub(super) async fn clients_after(
    reader: &mut Reader,
    id: Uuid,
    limit: i64,
) -> Result<Vec<ClientRow>, DbError> {
    const AFTER: &str = concat!(
        "SELECT ",
        client_columns!(),
        " FROM provisioning_clients WHERE id > $1 ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(reader, c => sqlx::query_as(AFTER).bind(id).bind(limit).fetch_all(c).await?))
}

/// Inserts a token.
pub(super) async fn insert_token(tx: &mut Tx, token: &TokenRow, hash: &TokenHash) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO provisioning_tokens
             (id, client_id, token_hash, ending, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)";
    on_engine!(tx, c => sqlx::query(INSERT)
        .bind(token.id)
        .bind(token.client_id)
        .bind(hash.as_bytes())
        .bind(&token.ending)
        .bind(token.created_at)
        .bind(token.expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Deletes a token of a client; `false` when there is no such token.
pub(super) async fn delete_token(tx: &mut Tx, client: Uuid, id: Uuid) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM provisioning_tokens WHERE client_id = $1 AND id = $2";
    let rows =
        on_engine!(tx, c => sqlx::query(DELETE).bind(client).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Deletes the tokens of a client that have expired.
pub(super) async fn delete_expired(tx: &mut Tx, client: Uuid, now: Timestamp) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM provisioning_tokens WHERE client_id = $1 AND expires_at <= $2";
    on_engine!(tx, c => sqlx::query(DELETE).bind(client).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The tokens of a client, the oldest first.
pub(super) async fn tokens_of(
    connection: &mut impl Connection,
    client: Uuid,
) -> Result<Vec<TokenRow>, DbError> {
    const TOKENS: &str = "SELECT id, client_id, ending, created_at, expires_at, last_used_at
         FROM provisioning_tokens WHERE client_id = $1 ORDER BY id";
    Ok(on_engine!(connection, c => sqlx::query_as(TOKENS).bind(client).fetch_all(c).await?))
}

/// The token with this hash, and what its client may do.
pub(super) async fn find_by_hash(
    reader: &mut Reader,
    hash: &TokenHash,
) -> Result<Option<Presented>, DbError> {
    const FIND: &str = "SELECT t.id, t.client_id, t.expires_at, t.last_used_at, c.scope, c.networks
         FROM provisioning_tokens t JOIN provisioning_clients c ON c.id = t.client_id
         WHERE t.token_hash = $1";
    Ok(on_engine!(reader, c => sqlx::query_as(FIND).bind(hash.as_bytes()).fetch_optional(c).await?))
}

/// The scope of the client of a token, and the time at which the token expires.
pub(super) async fn find_scope(
    reader: &mut Reader,
    token: Uuid,
) -> Result<Option<(String, Timestamp)>, DbError> {
    const FIND: &str = "SELECT c.scope, t.expires_at
         FROM provisioning_tokens t JOIN provisioning_clients c ON c.id = t.client_id
         WHERE t.id = $1";
    Ok(on_engine!(reader, c => sqlx::query_as(FIND).bind(token).fetch_optional(c).await?))
}

/// Notes that a token was used, unless a later time is known.
pub(super) async fn set_last_used(tx: &mut Tx, token: Uuid, at: Timestamp) -> Result<(), DbError> {
    const SET: &str = "UPDATE provisioning_tokens SET last_used_at = $2
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    on_engine!(tx, c => sqlx::query(SET).bind(token).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Each client that has a token, with the time at which its last token expires.
pub(super) async fn last_expiries(reader: &mut Reader) -> Result<Vec<(Uuid, Timestamp)>, DbError> {
    const LAST: &str =
        "SELECT client_id, max(expires_at) FROM provisioning_tokens GROUP BY client_id ORDER BY client_id";
    Ok(on_engine!(reader, c => sqlx::query_as(LAST).fetch_all(c).await?))
}

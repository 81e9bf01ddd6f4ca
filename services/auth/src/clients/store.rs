//! The table `clients`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use oidc::client::ClientMetadata;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::ClientId;
use super::model::{Client, Origin};

#[derive(sqlx_macros::FromRow)]
struct ClientRow {
    id: String,
    aggregate_id: Uuid,
    secret_hash: Option<Vec<u8>>,
    registration: Json<ClientMetadata>,
    origin: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ClientRow {
    fn into_client(self) -> Option<Client> {
        Some(Client {
            id: self.id.parse::<ClientId>().ok()?,
            aggregate_id: self.aggregate_id,
            secret_hash: self.secret_hash,
            metadata: self.registration.0,
            origin: Origin::from_name(&self.origin),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn find(db: &mut impl Connection, id: &str) -> Result<Option<Client>, DbError> {
    let row: Option<ClientRow> = on_engine!(db, c => sqlx::query_as("SELECT * FROM clients WHERE id = $1")
        .bind(id).fetch_optional(c).await?);
    Ok(row.and_then(ClientRow::into_client))
}

/// Clients after `after` in the order of their ids.
pub(super) async fn list(db: &mut impl Connection, after: &str, limit: i64) -> Result<Vec<Client>, DbError> {
    let rows: Vec<ClientRow> = on_engine!(db, c => sqlx::query_as(
        "SELECT * FROM clients WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().filter_map(ClientRow::into_client).collect())
}

pub(super) async fn list_configured(db: &mut impl Connection) -> Result<Vec<Client>, DbError> {
    let rows: Vec<ClientRow> = on_engine!(db, c => sqlx::query_as(
        "SELECT * FROM clients WHERE origin = 'configuration' ORDER BY id")
        .fetch_all(c).await?);
    Ok(rows.into_iter().filter_map(ClientRow::into_client).collect())
}

/// Writes a new client.
///
/// # Errors
/// [`DbError::Unique`] when another client has this id.
pub(super) async fn insert(tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO clients (id, secret_hash, registration, origin, version, created_at, updated_at,
                              aggregate_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(client.id.as_str()).bind(client.secret_hash.as_deref()).bind(Json(&client.metadata))
        .bind(client.origin.name()).bind(client.version).bind(client.created_at).bind(client.updated_at)
        .bind(client.aggregate_id).execute(c).await.map(drop)?);
    Ok(())
}

/// Replaces the metadata and raises the version by one. Returns whether the client exists.
pub(super) async fn update(tx: &mut Tx, client: &Client) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
        "UPDATE clients SET secret_hash = $2, registration = $3, origin = $4, updated_at = $5, version = version + 1
         WHERE id = $1")
        .bind(client.id.as_str()).bind(client.secret_hash.as_deref()).bind(Json(&client.metadata))
        .bind(client.origin.name()).bind(client.updated_at)
        .execute(c).await?.rows_affected() == 1))
}

/// Deletes a client. Returns whether it existed.
pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM clients WHERE id = $1")
        .bind(id).execute(c).await?.rows_affected() == 1),
    )
}

/// Raises the versions of all clients, after the database was restored from a backup.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    let statement = "UPDATE clients SET version = version + $1";
    on_engine!(tx, c => sqlx::query(statement).bind(by).execute(c).await.map(drop)?);
    Ok(())
}

//! The tables `clients`, `client_secrets` and `client_administrator_addresses`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use oidc::client::{ClientMetadata, extended_members};
use oidc::jose::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::id::ClientId;
use super::model::{Client, Origin};
use super::secrets::ClientSecret;

/// The columns of [`ClientRow`] and their tables. They are named, so that a later release can add one while this one runs.
macro_rules! select {
    ($conditions:literal) => {
        concat!(
            "SELECT clients.id, clients.aggregate_id, clients.secret_hash, clients.registration, clients.origin,
                 clients.version, clients.created_at, clients.updated_at, secrets.newest_created_at,
                 secrets.second_hash, secrets.second_created_at, registrations.token_hash,
                 registrations.client_id IS NOT NULL AND registrations.used_at IS NULL AS is_unused,
                 chosen.addresses AS administrator_addresses,
                 deleted_clients.deleted_at AS tokens_void_until
             FROM clients LEFT JOIN client_secrets AS secrets ON secrets.client_id = clients.id
                 LEFT JOIN client_registrations AS registrations ON registrations.client_id = clients.id
                 LEFT JOIN client_administrator_addresses AS chosen ON chosen.client_id = clients.id
                 LEFT JOIN deleted_clients ON deleted_clients.client_id = clients.id ",
            $conditions
        )
    };
}

/// The members of the metadata that this release knows.
static MEMBERS: LazyLock<Vec<&str>> = LazyLock::new(|| extended_members("").split_off(1));

#[derive(sqlx_macros::FromRow)]
struct ClientRow {
    id: String,
    aggregate_id: Uuid,
    secret_hash: Option<Vec<u8>>,
    registration: Json<Map<String, Value>>,
    origin: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    newest_created_at: Option<Timestamp>,
    second_hash: Option<Vec<u8>>,
    second_created_at: Option<Timestamp>,
    token_hash: Option<Vec<u8>>,
    administrator_addresses: Option<Json<BTreeSet<String>>>,
    is_unused: bool,
    tokens_void_until: Option<Timestamp>,
}

/// A client, by the members of its metadata that this release knows. A later release that runs beside this one, or ran before
/// it, may have written others.
pub(super) struct StoredClient {
    pub(super) client: Client,
    /// True if this release does not know a member of the metadata, or the value of one. It must not act for the client then: the member may forbid
    /// what this release would do.
    pub(super) has_unknown_members: bool,
}

impl ClientRow {
    fn into_stored(self) -> Result<Option<StoredClient>, DbError> {
        let Ok(id) = self.id.parse::<ClientId>() else {
            return Ok(None);
        };
        let mut members = self.registration.0;
        let written = members.len();
        members.retain(|name, _| MEMBERS.contains(&name.as_str()));
        members.retain(|name, value| is_readable(name, value));
        let has_unknown_members = members.len() != written;
        let metadata = ClientMetadata::deserialize(Value::Object(members)).map_err(decode_error)?;
        let secret = |hash: Option<Vec<u8>>, at: Option<Timestamp>| {
            hash.map(|hash| ClientSecret {
                hash,
                created_at: at.unwrap_or(self.created_at),
            })
        };
        let secrets = [
            secret(self.secret_hash, self.newest_created_at),
            secret(self.second_hash, self.second_created_at),
        ];
        let client = Client {
            id,
            aggregate_id: self.aggregate_id,
            secrets: secrets.into_iter().flatten().collect(),
            registration_token_hash: self.token_hash,
            administrator_addresses: self.administrator_addresses.unwrap_or_default().0,
            is_unused: self.is_unused,
            tokens_void_until: self.tokens_void_until,
            metadata,
            origin: Origin::from_name(&self.origin),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok(Some(StoredClient {
            client,
            has_unknown_members,
        }))
    }
}

/// True if this release can read the value of a member. A later release may have written another.
fn is_readable(name: &str, value: &Value) -> bool {
    let alone = Map::from_iter([(name.to_owned(), value.clone())]);
    ClientMetadata::deserialize(Value::Object(alone)).is_ok()
}

fn decode_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DbError {
    sqlx::Error::Decode(error.into()).into()
}

/// The client with this id.
///
/// # Errors
/// Also when this release does not know a member of its metadata.
pub(super) async fn find(db: &mut impl Connection, id: &str) -> Result<Option<Client>, DbError> {
    match find_stored(db, id).await? {
        Some(stored) if stored.has_unknown_members => Err(decode_error(format!(
            "the client {id} has metadata of a later release"
        ))),
        found => Ok(found.map(|stored| stored.client)),
    }
}

/// The client with this id, also when this release does not know all of its metadata.
pub(super) async fn find_stored(db: &mut impl Connection, id: &str) -> Result<Option<StoredClient>, DbError> {
    let row: Option<ClientRow> = on_engine!(db, c => sqlx::query_as(select!("WHERE clients.id = $1"))
        .bind(id).fetch_optional(c).await?);
    row.map_or(Ok(None), ClientRow::into_stored)
}

/// Clients after `after` in the order of their ids.
pub(super) async fn list(db: &mut impl Connection, after: &str, limit: i64) -> Result<Vec<Client>, DbError> {
    let rows: Vec<ClientRow> = on_engine!(db, c => sqlx::query_as(select!("WHERE clients.id > $1 ORDER BY clients.id LIMIT $2"))
        .bind(after).bind(limit).fetch_all(c).await?);
    into_clients(rows)
}

pub(super) async fn list_configured(db: &mut impl Connection) -> Result<Vec<Client>, DbError> {
    let rows: Vec<ClientRow> = on_engine!(db, c => sqlx::query_as(
        select!("WHERE clients.origin = 'configuration' ORDER BY clients.id"))
        .fetch_all(c).await?);
    into_clients(rows)
}

/// The clients of rows, by what this release knows of them, so that one with more does not hide the others.
fn into_clients(rows: Vec<ClientRow>) -> Result<Vec<Client>, DbError> {
    let stored = rows.into_iter().filter_map(|row| row.into_stored().transpose());
    stored.map(|stored| Ok(stored?.client)).collect()
}

/// The members of the metadata that name an algorithm of signatures. Others, also those of a later release, are ignored.
#[derive(Deserialize)]
struct AlgorithmNames {
    id_token_signed_response_alg: Option<String>,
    userinfo_signed_response_alg: Option<String>,
    authorization_signed_response_alg: Option<String>,
    introspection_signed_response_alg: Option<String>,
}

/// The algorithms that the stored clients are registered for.
pub(super) async fn signing_algorithms(db: &mut impl Connection) -> Result<BTreeSet<Algorithm>, DbError> {
    let rows: Vec<Json<AlgorithmNames>> = on_engine!(db, c => sqlx::query_scalar("SELECT registration FROM clients")
        .fetch_all(c).await?);
    let names = rows.into_iter().flat_map(|Json(names)| {
        [
            names.id_token_signed_response_alg,
            names.userinfo_signed_response_alg,
            names.authorization_signed_response_alg,
            names.introspection_signed_response_alg,
        ]
    });
    Ok(names
        .flatten()
        .filter_map(|name| Algorithm::from_name(&name))
        .collect())
}

/// The member of the metadata that names the type of subjects.
#[derive(Deserialize)]
struct SubjectTypeName {
    subject_type: Option<String>,
}

/// The number of clients with pairwise subjects.
pub(super) async fn count_pairwise(db: &mut impl Connection) -> Result<usize, DbError> {
    let rows: Vec<Json<SubjectTypeName>> = on_engine!(db, c => sqlx::query_scalar("SELECT registration FROM clients")
        .fetch_all(c).await?);
    let is_pairwise = |row: &&Json<SubjectTypeName>| row.subject_type.as_deref() == Some("pairwise");
    Ok(rows.iter().filter(is_pairwise).count())
}

/// The number of clients that registered themselves.
pub(super) async fn count_registered(db: &mut impl Connection) -> Result<i64, DbError> {
    let statement = "SELECT COUNT(*) FROM clients WHERE origin = 'registration'";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

/// Writes a new client.
///
/// # Errors
/// [`DbError::Unique`] when another client has this id.
pub(super) async fn insert(tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO clients (id, secret_hash, registration, origin, version, created_at, updated_at, aggregate_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(client.id.as_str()).bind(hash_of(client.secrets.first())).bind(Json(&client.metadata))
        .bind(client.origin.name()).bind(client.version).bind(client.created_at).bind(client.updated_at)
        .bind(client.aggregate_id)
        .execute(c).await.map(drop)?);
    if let Some(hash) = &client.registration_token_hash {
        let statement = "INSERT INTO client_registrations (client_id, token_hash) VALUES ($1, $2)";
        on_engine!(tx, c => sqlx::query(statement)
            .bind(client.id.as_str()).bind(hash.as_slice()).execute(c).await.map(drop)?);
    }
    upsert_secrets(tx, client).await
}

/// Replaces the metadata and the secrets of the version before. Returns false if the client has another version.
pub(super) async fn update(tx: &mut Tx, client: &Client) -> Result<bool, DbError> {
    let updated = on_engine!(tx, c => sqlx::query(
        "UPDATE clients SET secret_hash = $2, registration = $3, origin = $4, updated_at = $5, version = $6
         WHERE id = $1 AND version = $6 - 1")
        .bind(client.id.as_str()).bind(hash_of(client.secrets.first())).bind(Json(&client.metadata))
        .bind(client.origin.name()).bind(client.updated_at).bind(client.version)
        .execute(c).await?.rows_affected() == 1);
    if updated {
        upsert_secrets(tx, client).await?;
        set_administrator_addresses(tx, client).await?;
    }
    Ok(updated)
}

/// Locks a client until the end of the transaction. Returns false if it has another version.
pub(super) async fn lock_version(tx: &mut Tx, client: &Client) -> Result<bool, DbError> {
    let statement = "UPDATE clients SET version = version WHERE id = $1 AND version = $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(client.id.as_str()).bind(client.version)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// Writes what `clients` does not hold of the secrets. A client whose only secret came with its registration needs no row.
async fn upsert_secrets(tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    let newest = client.secrets.first().map(|secret| secret.created_at);
    let second = client.secrets.get(1);
    if second.is_none() && newest.is_none_or(|at| at == client.created_at) {
        let statement = "DELETE FROM client_secrets WHERE client_id = $1";
        on_engine!(tx, c => sqlx::query(statement).bind(client.id.as_str()).execute(c).await.map(drop)?);
        return Ok(());
    }
    let statement =
        "INSERT INTO client_secrets (client_id, newest_created_at, second_hash, second_created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (client_id) DO UPDATE SET newest_created_at = excluded.newest_created_at,
            second_hash = excluded.second_hash, second_created_at = excluded.second_created_at";
    on_engine!(tx, c => sqlx::query(statement)
        .bind(client.id.as_str()).bind(newest).bind(hash_of(second)).bind(second.map(|secret| secret.created_at))
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Writes which addresses administrators chose for a client that registered itself. Others have no row.
async fn set_administrator_addresses(tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    if client.registration_token_hash.is_none() {
        return Ok(());
    }
    let id = client.id.as_str();
    if client.administrator_addresses.is_empty() {
        let statement = "DELETE FROM client_administrator_addresses WHERE client_id = $1";
        on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await.map(drop)?);
        return Ok(());
    }
    let statement = "INSERT INTO client_administrator_addresses (client_id, addresses) VALUES ($1, $2)
        ON CONFLICT (client_id) DO UPDATE SET addresses = excluded.addresses";
    on_engine!(tx, c => sqlx::query(statement).bind(id).bind(Json(&client.administrator_addresses))
        .execute(c).await.map(drop)?);
    Ok(())
}

fn hash_of(secret: Option<&ClientSecret>) -> Option<&[u8]> {
    secret.map(|secret| secret.hash.as_slice())
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

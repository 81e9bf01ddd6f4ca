//! The table `protected_hosts`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use forward_auth::Origin;
use sqlx::types::Json;

use super::{HostSettings, ProtectedHost};

#[derive(sqlx_macros::FromRow)]
struct HostRow {
    host: String,
    scheme: String,
    settings: Json<HostSettings>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl HostRow {
    fn into_host(self) -> Result<ProtectedHost, DbError> {
        let origin = Origin::from_parts(&self.scheme, &self.host)
            .map_err(|error| DbError::from(sqlx::Error::Decode(error.into())))?;
        Ok(ProtectedHost {
            origin,
            settings: self.settings.0,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A protected host.
pub(super) async fn find(db: &mut impl Connection, host: &str) -> Result<Option<ProtectedHost>, DbError> {
    let statement =
        "SELECT host, scheme, settings, version, created_at, updated_at FROM protected_hosts WHERE host = $1";
    let row: Option<HostRow> =
        on_engine!(db, c => sqlx::query_as(statement).bind(host).fetch_optional(c).await?);
    row.map(HostRow::into_host).transpose()
}

/// Hosts after `after` in their order.
pub(super) async fn list(
    db: &mut impl Connection,
    after: &str,
    limit: i64,
) -> Result<Vec<ProtectedHost>, DbError> {
    let statement = "SELECT host, scheme, settings, version, created_at, updated_at FROM protected_hosts
        WHERE host > $1 ORDER BY host LIMIT $2";
    let rows: Vec<HostRow> =
        on_engine!(db, c => sqlx::query_as(statement).bind(after).bind(limit).fetch_all(c).await?);
    rows.into_iter().map(HostRow::into_host).collect()
}

/// The number of hosts.
pub(super) async fn count(tx: &mut Tx) -> Result<i64, DbError> {
    let statement = "SELECT COUNT(*) FROM protected_hosts";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

/// Inserts a host.
///
/// # Errors
/// [`DbError::Unique`] when it is registered.
pub(super) async fn insert(tx: &mut Tx, host: &ProtectedHost) -> Result<(), DbError> {
    let statement = "INSERT INTO protected_hosts (host, scheme, settings, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    on_engine!(tx, c => sqlx::query(statement)
        .bind(host.origin.host()).bind(host.origin.scheme()).bind(Json(&host.settings)).bind(host.version)
        .bind(host.created_at).bind(host.updated_at).execute(c).await.map(drop)?);
    Ok(())
}

/// Replaces the settings of a host. Returns whether it is registered.
pub(super) async fn update(
    tx: &mut Tx,
    host: &str,
    settings: &HostSettings,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement =
        "UPDATE protected_hosts SET settings = $2, updated_at = $3, version = version + 1 WHERE host = $1";
    let changed = on_engine!(tx, c => sqlx::query(statement).bind(host).bind(Json(settings)).bind(now)
        .execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// Locks a host until the end of the transaction. Returns false if it has another version.
pub(super) async fn lock_version(tx: &mut Tx, host: &str, version: i64) -> Result<bool, DbError> {
    let statement = "UPDATE protected_hosts SET version = version WHERE host = $1 AND version = $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(host).bind(version)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// Deletes a host.
pub(super) async fn delete(tx: &mut Tx, host: &str) -> Result<(), DbError> {
    let statement = "DELETE FROM protected_hosts WHERE host = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(host).execute(c).await.map(drop)?);
    Ok(())
}

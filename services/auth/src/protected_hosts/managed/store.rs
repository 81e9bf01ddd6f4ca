//! The table `managed_hosts`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use serde_json::Value;
use sqlx::types::Json;

use super::super::ProtectedHost;
use crate::managed::{Ending, FileName, Managed};

#[derive(sqlx_macros::FromRow)]
struct MarkRow {
    host: String,
    managed_by: String,
    made: bool,
    settings: Json<Value>,
    applied_at: Timestamp,
}

impl From<MarkRow> for Managed {
    fn from(row: MarkRow) -> Self {
        Self {
            id: row.host,
            managed_by: row.managed_by,
            made: row.made,
            settings: row.settings.0,
            applied_at: row.applied_at,
        }
    }
}

/// Marks a new host as made by the file.
pub(super) async fn insert(
    tx: &mut Tx,
    host: &ProtectedHost,
    managed_by: &FileName,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO managed_hosts (host, managed_by, made, settings, applied_at)
        VALUES ($1, $2, TRUE, $3, $4)";
    on_engine!(tx, c => sqlx::query(statement).bind(host.origin.host()).bind(managed_by.as_str())
        .bind(Json(&host.settings)).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// Marks a host that exists, if `owner` manages it, or no file without one. Returns whether that was so.
pub(super) async fn claim(
    tx: &mut Tx,
    host: &ProtectedHost,
    (owner, managed_by): (Option<&FileName>, &FileName),
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = match owner {
        None => "INSERT INTO managed_hosts (host, managed_by, made, settings, applied_at)
            VALUES ($1, $2, FALSE, $3, $4) ON CONFLICT (host) DO NOTHING",
        // What another file made is not this one's.
        Some(_) => "UPDATE managed_hosts SET managed_by = $2, made = (made AND managed_by = $2), settings = $3, applied_at = $4
            WHERE host = $1 AND managed_by = $5",
    };
    let claimed = on_engine!(tx, c => {
        let query = sqlx::query(statement).bind(host.origin.host()).bind(managed_by.as_str())
            .bind(Json(&host.settings)).bind(now);
        match owner {
            None => query.execute(c).await?.rows_affected(),
            Some(owner) => query.bind(owner.as_str()).execute(c).await?.rows_affected(),
        }
    });
    Ok(claimed == 1)
}

/// Takes the mark of this file off a host. To delete the host, the file has to have made it. Returns whether there was such a mark.
pub(super) async fn unmark(
    tx: &mut Tx,
    host: &str,
    managed_by: &FileName,
    ending: Ending,
) -> Result<bool, DbError> {
    let statement = "DELETE FROM managed_hosts WHERE host = $1 AND managed_by = $2 AND (made OR $3)";
    let is_release = ending == Ending::Release;
    let unmarked = on_engine!(tx, c => sqlx::query(statement).bind(host).bind(managed_by.as_str())
        .bind(is_release).execute(c).await?.rows_affected());
    Ok(unmarked == 1)
}

/// Marks after `after` in the order of the hosts.
pub(super) async fn list(db: &mut impl Connection, after: &str, limit: i64) -> Result<Vec<Managed>, DbError> {
    let statement = "SELECT host, managed_by, made, settings, applied_at FROM managed_hosts
        WHERE host > $1 ORDER BY host LIMIT $2";
    let rows: Vec<MarkRow> =
        on_engine!(db, c => sqlx::query_as(statement).bind(after).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().map(Managed::from).collect())
}

//! The table `revocations`.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader, Tx};
use chassis::{on_engine, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Revoked;

const GRANT: &str = "grant";
const CLIENT: &str = "client";
/// Of the one row that tells that `auth` has served the list. It is kept for ever.
const LIST: &str = "list";

#[derive(sqlx_macros::FromRow)]
struct Row {
    kind: String,
    id: String,
    revoked_at: Timestamp,
}

/// Stores entries; those that are there are kept for as long as these. An entry may be named more than once: of a client
/// that was deleted repeatedly, the latest deletion counts.
pub(super) async fn insert(
    tx: &mut Tx,
    entries: &[Revoked],
    now: Timestamp,
    forget_at: Timestamp,
) -> Result<(), DbError> {
    // One statement of PostgreSQL may not change a row twice. In order of the key, so that replicas wait for each other
    // and never in a circle.
    let mut latest: BTreeMap<(&str, String), i64> = BTreeMap::new();
    for entry in entries {
        let (key, at) = match entry {
            Revoked::Grant(id) => ((GRANT, id.to_string()), now),
            Revoked::Client(id, deleted_at) => ((CLIENT, id.clone()), *deleted_at),
        };
        let known = latest.entry(key).or_insert(at.as_micros());
        *known = at.as_micros().max(*known);
    }
    let rows = Value::from_iter(latest.iter().map(|((kind, id), at)| json!([kind, id, at])));
    let statement = sql!(tx,
        sqlite: "INSERT INTO revocations AS stored (kind, id, revoked_at, forget_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, $2 FROM json_each($1) WHERE true
                 ON CONFLICT (kind, id) DO UPDATE
                 SET revoked_at = max(stored.revoked_at, excluded.revoked_at), forget_at = excluded.forget_at",
        postgres: "INSERT INTO revocations AS stored (kind, id, revoked_at, forget_at)
                   SELECT value ->> 0, value ->> 1, (value ->> 2)::bigint, $2
                   FROM jsonb_array_elements($1::jsonb) AS e(value) ORDER BY 1, 2
                   ON CONFLICT (kind, id) DO UPDATE
                   SET revoked_at = greatest(stored.revoked_at, excluded.revoked_at), forget_at = excluded.forget_at",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(rows.to_string()).bind(forget_at).execute(c).await.map(drop)?);
    Ok(())
}

/// Notes that `auth` has served the list, for every later start.
pub(super) async fn note_list_served(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO revocations (kind, id, revoked_at, forget_at) VALUES ($1, '', $2, $3)
         ON CONFLICT (kind, id) DO NOTHING";
    let never = Timestamp::from_micros(i64::MAX);
    on_engine!(tx, c => sqlx::query(NOTE).bind(LIST).bind(now).bind(never).execute(c).await.map(drop)?);
    Ok(())
}

/// True if `auth` has ever served the list.
pub(super) async fn list_was_served(reader: &mut Reader) -> Result<bool, DbError> {
    const SERVED: &str = "SELECT EXISTS (SELECT 1 FROM revocations WHERE kind = $1)";
    Ok(on_engine!(reader, c => sqlx::query_scalar(SERVED).bind(LIST).fetch_one(c).await?))
}

/// The revocations that are not over at `now`.
pub(super) async fn all(reader: &mut Reader, now: Timestamp) -> Result<Vec<Revoked>, DbError> {
    const ALL: &str = "SELECT kind, id, revoked_at FROM revocations WHERE forget_at > $1";
    let rows: Vec<Row> = on_engine!(reader, c => sqlx::query_as(ALL).bind(now).fetch_all(c).await?);
    let entries = rows.into_iter().filter_map(|row| match row.kind.as_str() {
        GRANT => row.id.parse::<Uuid>().ok().map(Revoked::Grant),
        CLIENT => Some(Revoked::Client(row.id, row.revoked_at)),
        _ => None,
    });
    Ok(entries.collect())
}

/// Removes what was over at `now`. How many entries.
pub(super) async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    const PRUNE: &str = "DELETE FROM revocations WHERE forget_at <= $1";
    Ok(on_engine!(tx, c => sqlx::query(PRUNE).bind(now).execute(c).await?.rows_affected()))
}

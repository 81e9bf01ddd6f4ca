//! The table `revocations`.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader, Tx};
use chassis::{on_engine, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Revoked;

const GRANT: &str = "grant";
const CLIENT: &str = "client";

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    id: String,
    revoked_at: Timestamp,
}

/// Stores entries; those that are there are kept for as long as these.
pub(super) async fn insert(
    tx: &mut Tx,
    entries: &[Revoked],
    now: Timestamp,
    forget_at: Timestamp,
) -> Result<(), DbError> {
    let rows = Value::from_iter(entries.iter().map(|entry| match entry {
        Revoked::Grant(id) => json!([GRANT, id.to_string(), now.as_micros()]),
        Revoked::Client(id, deleted_at) => json!([CLIENT, id, deleted_at.as_micros()]),
    }));
    let statement = sql!(tx,
        sqlite: "INSERT INTO revocations (kind, id, revoked_at, forget_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, $2 FROM json_each($1) WHERE true
                 ON CONFLICT (kind, id) DO UPDATE SET revoked_at = excluded.revoked_at, forget_at = excluded.forget_at",
        postgres: "INSERT INTO revocations (kind, id, revoked_at, forget_at)
                   SELECT value ->> 0, value ->> 1, (value ->> 2)::bigint, $2
                   FROM jsonb_array_elements($1::jsonb) AS e(value) ORDER BY 1, 2
                   ON CONFLICT (kind, id) DO UPDATE SET revoked_at = excluded.revoked_at, forget_at = excluded.forget_at",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(rows.to_string()).bind(forget_at).execute(c).await.map(drop)?);
    Ok(())
}

/// What is not over at `now`.
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

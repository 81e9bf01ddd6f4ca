//! The statements of the reconciler: the last comparison, which every replica reads, and what is not published yet.

use std::collections::HashSet;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::Report;

/// Takes the turn to compare, unless somebody did since `before`. A turn that was taken in the future, before the clock went
/// back, keeps nobody from it.
pub(super) async fn claim(
    tx: &mut Tx,
    consumer: &str,
    now: Timestamp,
    before: Timestamp,
) -> Result<bool, DbError> {
    let rows = on_engine!(tx, c => sqlx::query(
            "INSERT INTO reconciliations (consumer, started_at) VALUES ($1, $2)
             ON CONFLICT (consumer) DO UPDATE SET started_at = excluded.started_at
             WHERE reconciliations.started_at <= $3 OR reconciliations.started_at > $4")
        .bind(consumer)
        .bind(now)
        .bind(before)
        .bind(now.latest(Duration::ZERO))
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Keeps the last report.
pub(super) async fn put_report(tx: &mut Tx, consumer: &str, report: &Report) -> Result<(), DbError> {
    let text = report
        .to_stored()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO reconciliations (consumer, started_at, report) VALUES ($1, $2, $3)
             ON CONFLICT (consumer) DO UPDATE SET report = excluded.report")
            .bind(consumer)
            .bind(report.at)
            .bind(&text)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The last report, if there is one that can be read.
pub(crate) async fn last(
    connection: &mut impl Connection,
    consumer: &str,
) -> Result<Option<Report>, DbError> {
    let text: Option<Option<String>> = on_engine!(connection, c => sqlx::query_scalar(
            "SELECT report FROM reconciliations WHERE consumer = $1")
        .bind(consumer)
        .fetch_optional(c)
        .await?);
    Ok(text.flatten().and_then(|text| serde_json::from_str(&text).ok()))
}

/// Those of the aggregates that have an event which is not published yet.
pub(super) async fn unsent(reader: &mut impl Connection, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT DISTINCT aggregate_id FROM outbox
                 WHERE published_at IS NULL AND dead_lettered_at IS NULL
                   AND aggregate_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT DISTINCT aggregate_id FROM outbox
                   WHERE published_at IS NULL AND dead_lettered_at IS NULL
                     AND aggregate_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let found: Vec<Uuid> = on_engine!(reader, c => sqlx::query_scalar(statement).bind(id_list(ids.iter().copied())).fetch_all(c).await?);
    Ok(found.into_iter().collect())
}

/// Forgets all comparisons: they were made with the database that a restoration replaced.
pub(crate) async fn after_restore(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM reconciliations").execute(c).await.map(drop)?);
    Ok(())
}

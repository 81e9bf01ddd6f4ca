//! The statements of events that could not be applied, and of those that wait behind them.

use std::collections::HashSet;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use serde_json::Value;
use uuid::Uuid;

use super::text;
use contract::Envelope;

/// An event that is parked or dead-lettered: its consumer could not apply it.
#[derive(Clone, Debug, serde::Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub struct ParkedEvent {
    /// The event.
    pub event_id: Uuid,
    /// The aggregate that it is about.
    pub aggregate_id: Uuid,
    /// The version of the aggregate.
    pub sequence: i64,
    /// The event itself, as JSON.
    #[serde(skip)]
    pub envelope: String,
    /// The number of attempts; 0: it waits behind another.
    pub attempts: i32,
    /// The error of the last attempt.
    pub last_error: String,
    /// The time at which it was given up. Those behind it went on without it.
    pub dead_lettered_at: Option<Timestamp>,
}

/// The events that `consumer` has set aside, by aggregate and sequence, `limit` at most.
///
/// # Errors
/// When the database fails.
pub async fn parked(
    connection: &mut impl Connection,
    consumer: &str,
    limit: i64,
) -> Result<Vec<ParkedEvent>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT event_id, aggregate_id, sequence, envelope, attempts, last_error, dead_lettered_at
             FROM inbox_parked WHERE consumer = $1 ORDER BY aggregate_id, sequence LIMIT $2")
        .bind(consumer)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Has an event that was given up applied after all, by the running consumer. It is dropped if a newer one of its
/// aggregate was applied since. Answers whether there was such an event.
///
/// # Errors
/// When the database fails.
pub async fn replay_parked(tx: &mut Tx, consumer: &str, event: Uuid) -> Result<bool, DbError> {
    let revived = on_engine!(tx, c => sqlx::query(
            "UPDATE inbox_parked SET attempts = 0, next_attempt_at = 0, dead_lettered_at = NULL
             WHERE consumer = $1 AND event_id = $2 AND dead_lettered_at IS NOT NULL")
        .bind(consumer)
        .bind(event)
        .execute(c)
        .await?
        .rows_affected());
    Ok(revived > 0)
}

/// Deletes what was given up before `before`. Answers how many.
pub(in crate::inbox) async fn prune(tx: &mut Tx, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at < $2")
            .bind(consumer)
            .bind(before)
            .execute(c)
            .await?
            .rows_affected()),
    )
}

/// Those of the aggregates whose events must wait.
pub(in crate::inbox) async fn held(
    tx: &mut Tx,
    consumer: &str,
    aggregates: impl Iterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, DbError> {
    let waiting: Vec<Uuid> = on_engine!(tx, c => sqlx::query_scalar(
            "SELECT DISTINCT aggregate_id FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at IS NULL")
        .bind(consumer)
        .fetch_all(c)
        .await?);
    if waiting.is_empty() {
        return Ok(HashSet::new());
    }
    let asked: HashSet<Uuid> = aggregates.collect();
    Ok(waiting
        .into_iter()
        .filter(|aggregate| asked.contains(aggregate))
        .collect())
}

/// Sets an event aside that was tried.
pub(in crate::inbox) async fn park(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    error: &str,
    next_attempt_at: Timestamp,
) -> Result<(), DbError> {
    insert(tx, consumer, event, (1, next_attempt_at, error)).await
}

/// Sets an event aside behind another of its aggregate.
pub(in crate::inbox) async fn wait(tx: &mut Tx, consumer: &str, event: &Envelope) -> Result<(), DbError> {
    insert(
        tx,
        consumer,
        event,
        (0, Timestamp::from_micros(0), "waits behind another"),
    )
    .await
}

async fn insert(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    (attempts, next_attempt_at, error): (i32, Timestamp, &str),
) -> Result<(), DbError> {
    let envelope = serde_json::to_string(event).unwrap_or_else(|_| Value::Null.to_string());
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO inbox_parked (consumer, event_id, aggregate_id, sequence, envelope, attempts,
                                       next_attempt_at, last_error)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING")
            .bind(consumer)
            .bind(event.id)
            .bind(event.subject)
            .bind(event.sequence)
            .bind(&envelope)
            .bind(attempts)
            .bind(next_attempt_at)
            .bind(text(error))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The first waiting event of each aggregate that is due: its time has come, or is further away than any pause is
/// long, since a clock that was wrong set it.
pub(in crate::inbox) async fn due(
    reader: &mut impl Connection,
    consumer: &str,
    now: Timestamp,
    longest: Duration,
) -> Result<Vec<ParkedEvent>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT event_id, aggregate_id, sequence, envelope, attempts, last_error, dead_lettered_at
             FROM inbox_parked AS head
             WHERE consumer = $1 AND dead_lettered_at IS NULL AND (next_attempt_at <= $2 OR next_attempt_at > $3)
               AND NOT EXISTS (
                   SELECT 1 FROM inbox_parked AS before
                   WHERE before.consumer = head.consumer AND before.aggregate_id = head.aggregate_id
                     AND before.dead_lettered_at IS NULL AND before.sequence < head.sequence)
             ORDER BY next_attempt_at LIMIT 100")
        .bind(consumer)
        .bind(now)
        .bind(now + longest)
        .fetch_all(c)
        .await?))
}

/// The time of the next attempt, if any event is parked and not given up.
pub(in crate::inbox) async fn next_due(
    reader: &mut impl Connection,
    consumer: &str,
) -> Result<Option<Timestamp>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar(
            "SELECT min(next_attempt_at) FROM inbox_parked AS head
             WHERE consumer = $1 AND dead_lettered_at IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM inbox_parked AS before
                   WHERE before.consumer = head.consumer AND before.aggregate_id = head.aggregate_id
                     AND before.dead_lettered_at IS NULL AND before.sequence < head.sequence)")
        .bind(consumer)
        .fetch_one(c)
        .await?))
}

/// Takes an event out, to apply it, unless it was given up. Answers whether it was there: another replica may be faster.
pub(in crate::inbox) async fn delete(tx: &mut Tx, consumer: &str, event: Uuid) -> Result<bool, DbError> {
    let statement =
        "DELETE FROM inbox_parked WHERE consumer = $1 AND event_id = $2 AND dead_lettered_at IS NULL";
    let deleted = on_engine!(tx, c => sqlx::query(statement)
        .bind(consumer)
        .bind(event)
        .execute(c)
        .await?
        .rows_affected());
    Ok(deleted > 0)
}

/// The record of another failed attempt at an event.
#[derive(Debug)]
pub(in crate::inbox) struct FailedAttempt {
    pub(in crate::inbox) attempts: i32,
    pub(in crate::inbox) next_attempt_at: Timestamp,
    pub(in crate::inbox) error: String,
    /// The time at which the event was given up, if it was.
    pub(in crate::inbox) dead_lettered_at: Option<Timestamp>,
}

/// Notes another failure.
pub(in crate::inbox) async fn record_failure(
    tx: &mut Tx,
    consumer: &str,
    event: Uuid,
    failure: &FailedAttempt,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE inbox_parked SET attempts = $3, next_attempt_at = $4, last_error = $5, dead_lettered_at = $6
             WHERE consumer = $1 AND event_id = $2")
            .bind(consumer)
            .bind(event)
            .bind(failure.attempts)
            .bind(failure.next_attempt_at)
            .bind(text(&failure.error))
            .bind(failure.dead_lettered_at)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Has every event that was given up applied after all. Answers how many.
pub(crate) async fn replay_all_parked(tx: &mut Tx) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE inbox_parked SET attempts = 0, next_attempt_at = 0, dead_lettered_at = NULL
             WHERE dead_lettered_at IS NOT NULL")
        .execute(c)
        .await?
        .rows_affected()))
}

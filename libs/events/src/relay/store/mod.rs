//! The statements of the relay. [`leases`] has those about who publishes, [`replays`] those about what is published again.

pub(in crate::relay) mod leases;
pub(in crate::relay) mod replays;

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

/// A row to publish.
#[derive(Debug, sqlx_macros::FromRow)]
pub(in crate::relay) struct Unsent {
    pub(in crate::relay) number: i64,
    pub(in crate::relay) id: Uuid,
    pub(in crate::relay) aggregate_id: Uuid,
    #[sqlx(rename = "type")]
    pub(in crate::relay) kind: String,
    pub(in crate::relay) payload: Json<Box<RawValue>>,
    pub(in crate::relay) sequence: i64,
    pub(in crate::relay) traceparent: Option<String>,
    pub(in crate::relay) occurred_at: Timestamp,
    pub(in crate::relay) partition: i32,
    pub(in crate::relay) attempts: i32,
    /// It has failed before, and may even have been given up meanwhile.
    pub(in crate::relay) failed: bool,
}

/// The rows that a batch is to read.
#[derive(Clone, Copy, Debug)]
pub(in crate::relay) struct Selection<'a> {
    /// The numbers of the partitions, a JSON array.
    pub(in crate::relay) partitions: &'a str,
    pub(in crate::relay) now: Timestamp,
    /// The longest pause between attempts: a time that is further away was set by a clock that was wrong.
    pub(in crate::relay) longest: Duration,
    /// The number of rows, at most.
    pub(in crate::relay) limit: i64,
    /// Of these, so many for aggregates that are due for another attempt, before those of others are taken.
    pub(in crate::relay) retries: i64,
}

/// The next unsent rows, by number: those of aggregates that no attempt has failed, the oldest first, and those of
/// aggregates that are due for another attempt, the longest due first. Each of the two takes the room that the other
/// leaves, and neither can fill all of it for ever. Rows of one aggregate come in the order of their sequence.
pub(in crate::relay) async fn unsent(
    reader: &mut impl Connection,
    selection: Selection<'_>,
) -> Result<Vec<Unsent>, DbError> {
    let mut rows = due(reader, selection).await?;
    let retries = i64::try_from(rows.len())
        .unwrap_or(i64::MAX)
        .min(selection.retries);
    let untried = untried(reader, selection, selection.limit.saturating_sub(retries)).await?;
    let room = usize::try_from(selection.limit)
        .unwrap_or(0)
        .saturating_sub(untried.len());
    rows.truncate(room);
    rows.extend(untried);
    rows.sort_unstable_by_key(|row| row.number);
    rows.dedup_by_key(|row| row.number);
    Ok(rows)
}

/// The oldest rows of the aggregates of which nothing waits for another attempt.
async fn untried(
    reader: &mut impl Connection,
    selection: Selection<'_>,
    limit: i64,
) -> Result<Vec<Unsent>, DbError> {
    // SQLite would rather walk the table, most of which is sent.
    let statement = sql!(reader,
        sqlite: "SELECT number, id, aggregate_id, type, payload, sequence, traceparent, occurred_at, partition, attempts,
                        last_error IS NOT NULL AS failed
                 FROM outbox INDEXED BY outbox_unsent
                 WHERE published_at IS NULL AND dead_lettered_at IS NULL
                   AND partition IN (SELECT value FROM json_each($1))
                   AND NOT EXISTS (
                       SELECT 1 FROM outbox AS held
                       WHERE held.next_attempt_at > 0 AND held.published_at IS NULL AND held.dead_lettered_at IS NULL
                         AND held.aggregate_id = outbox.aggregate_id)
                 ORDER BY number LIMIT $2",
        postgres: "SELECT number, id, aggregate_id, type, payload, sequence, traceparent, occurred_at, partition, attempts,
                        last_error IS NOT NULL AS failed
                   FROM outbox
                   WHERE published_at IS NULL AND dead_lettered_at IS NULL
                     AND partition = ANY (ARRAY(SELECT value::int FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                     AND NOT EXISTS (
                         SELECT 1 FROM outbox AS held
                         WHERE held.next_attempt_at > 0 AND held.published_at IS NULL AND held.dead_lettered_at IS NULL
                           AND held.aggregate_id = outbox.aggregate_id)
                   ORDER BY number LIMIT $2",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement)
        .bind(selection.partitions)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The rows of the aggregates that are due for another attempt, the longest due first.
async fn due(reader: &mut impl Connection, selection: Selection<'_>) -> Result<Vec<Unsent>, DbError> {
    // A time beyond the longest pause counts as long past.
    let statement = sql!(reader,
        sqlite: "WITH due AS (
                     SELECT aggregate_id, max(CASE WHEN next_attempt_at > $3 THEN 1 ELSE next_attempt_at END) AS since
                     FROM outbox INDEXED BY outbox_waiting
                     WHERE next_attempt_at > 0 AND published_at IS NULL AND dead_lettered_at IS NULL
                       AND partition IN (SELECT value FROM json_each($1))
                     GROUP BY aggregate_id
                     HAVING since <= $2
                     ORDER BY since, min(number) LIMIT $4)
                 SELECT number, id, outbox.aggregate_id, type, payload, sequence, traceparent, occurred_at, partition,
                        attempts, last_error IS NOT NULL AS failed
                 FROM due CROSS JOIN outbox ON outbox.aggregate_id = due.aggregate_id
                 WHERE published_at IS NULL AND dead_lettered_at IS NULL
                 ORDER BY since, number LIMIT $4",
        postgres: "WITH due AS (
                       SELECT aggregate_id, max(CASE WHEN next_attempt_at > $3 THEN 1 ELSE next_attempt_at END) AS since
                       FROM outbox
                       WHERE next_attempt_at > 0 AND published_at IS NULL AND dead_lettered_at IS NULL
                         AND partition = ANY (ARRAY(SELECT value::int FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                       GROUP BY aggregate_id
                       HAVING max(CASE WHEN next_attempt_at > $3 THEN 1 ELSE next_attempt_at END) <= $2
                       ORDER BY since, min(number) LIMIT $4)
                   SELECT number, id, outbox.aggregate_id, type, payload, sequence, traceparent, occurred_at, partition,
                          attempts, last_error IS NOT NULL AS failed
                   FROM due JOIN outbox ON outbox.aggregate_id = due.aggregate_id
                   WHERE published_at IS NULL AND dead_lettered_at IS NULL
                   ORDER BY since, number LIMIT $4",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement)
        .bind(selection.partitions)
        .bind(selection.now)
        .bind(selection.now + selection.longest)
        .bind(selection.limit)
        .fetch_all(c)
        .await?))
}

/// The partitions that `replica` holds, with their fences. Nobody can take them before the transaction ends, and the
/// transaction cannot stand still for long: PostgreSQL ends one that is idle for `idle` milliseconds.
pub(in crate::relay) async fn held(
    tx: &mut Tx,
    replica: Uuid,
    idle: &str,
) -> Result<Vec<(i32, i64)>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT partition, fence FROM outbox_leases WHERE holder = $1",
        postgres: "SELECT partition, fence FROM outbox_leases WHERE holder = $1 ORDER BY partition FOR UPDATE",
    );
    if let chassis::db::Handle::Postgres(c) = tx.handle() {
        sqlx::query("SELECT set_config('idle_in_transaction_session_timeout', $1, true)")
            .bind(idle)
            .execute(c)
            .await?;
    }
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(replica).fetch_all(c).await?))
}

/// Takes `count` positions and answers the first. The counter's row stays locked until the transaction ends, so
/// positions become visible in order; a rollback gives them back.
pub(in crate::relay) async fn take_positions(tx: &mut Tx, count: i64) -> Result<i64, DbError> {
    let last: i64 = on_engine!(tx, c => sqlx::query_scalar("UPDATE outbox_feed SET last = last + $1 RETURNING last")
        .bind(count)
        .fetch_one(c)
        .await?);
    Ok(last - count + 1)
}

/// Marks the rows `numbers`, which rise, as published, at positions from `first` on. Answers how many there were.
pub(in crate::relay) async fn mark(
    tx: &mut Tx,
    numbers: &[i64],
    first: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    // The bounds keep PostgreSQL from reading a deep outbox to its end, whatever its statistics say.
    let statement = sql!(tx,
        sqlite: "UPDATE outbox SET position = $2 + e.key, published_at = $3 FROM json_each($1) AS e
                 WHERE outbox.number = e.value AND published_at IS NULL AND dead_lettered_at IS NULL
                   AND outbox.number >= $4 AND outbox.number <= $5",
        postgres: "UPDATE outbox SET position = $2 + e.place - 1, published_at = $3
                   FROM jsonb_array_elements_text($1::jsonb) WITH ORDINALITY AS e(number, place)
                   WHERE outbox.number = e.number::bigint AND published_at IS NULL AND dead_lettered_at IS NULL
                     AND outbox.number >= $4 AND outbox.number <= $5",
    );
    Ok(on_engine!(tx, c => sqlx::query(statement)
        .bind(serde_json::Value::from(numbers).to_string())
        .bind(first)
        .bind(now)
        .bind(numbers.first().copied())
        .bind(numbers.last().copied())
        .execute(c)
        .await?
        .rows_affected()))
}

/// The record of a row that was not delivered.
#[derive(Debug)]
pub(in crate::relay) struct PublishFailure {
    pub(in crate::relay) number: i64,
    pub(in crate::relay) next_attempt_at: Timestamp,
    pub(in crate::relay) dead_lettered_at: Option<Timestamp>,
    pub(in crate::relay) error: String,
}

pub(in crate::relay) async fn record_failure(tx: &mut Tx, failure: &PublishFailure) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2, dead_lettered_at = $3, last_error = $4
             WHERE number = $1 AND published_at IS NULL AND dead_lettered_at IS NULL")
            .bind(failure.number)
            .bind(failure.next_attempt_at)
            .bind(failure.dead_lettered_at)
            .bind(&failure.error)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Leaves the aggregates of these rows alone until `next_attempt_at`; it is not held against the rows.
pub(in crate::relay) async fn postpone(
    tx: &mut Tx,
    numbers: &[i64],
    next_attempt_at: Timestamp,
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE outbox SET next_attempt_at = $2 WHERE number IN (SELECT value FROM json_each($1))
                   AND published_at IS NULL AND dead_lettered_at IS NULL",
        postgres: "UPDATE outbox SET next_attempt_at = $2
                   WHERE number = ANY (ARRAY(SELECT value::bigint FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                     AND published_at IS NULL AND dead_lettered_at IS NULL",
    );
    on_engine!(tx, c => {
        sqlx::query(statement)
            .bind(serde_json::Value::from(numbers).to_string())
            .bind(next_attempt_at)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The last position given.
pub(in crate::relay) async fn head(reader: &mut impl Connection) -> Result<i64, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar("SELECT last FROM outbox_feed").fetch_one(c).await?))
}

/// The number of unsent rows, and the time since which the oldest waits.
pub(in crate::relay) async fn depth(
    reader: &mut impl Connection,
) -> Result<(i64, Option<Timestamp>), DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT count(*), min(occurred_at) FROM outbox INDEXED BY outbox_unsent
                 WHERE published_at IS NULL AND dead_lettered_at IS NULL",
        postgres: "SELECT count(*), min(occurred_at) FROM outbox
                   WHERE published_at IS NULL AND dead_lettered_at IS NULL",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement).fetch_one(c).await?))
}

/// The number of events that were given up and not replayed.
pub(in crate::relay) async fn dead(reader: &mut impl Connection) -> Result<i64, DbError> {
    Ok(
        on_engine!(reader, c => sqlx::query_scalar("SELECT count(*) FROM outbox WHERE dead_lettered_at IS NOT NULL")
            .fetch_one(c)
            .await?),
    )
}

/// Sends `message` to the other replicas that listen on `channel`. PostgreSQL has that alone.
pub(in crate::relay) async fn notify(tx: &mut Tx, channel: &str, message: &str) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("SELECT pg_notify($1, $2)").bind(channel).bind(message).execute(c).await?;
    });
    Ok(())
}

//! Queries of the operators' routes over the tables of events.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError};
use chassis::{on_engine, sql};
use serde::Serialize;
use uuid::Uuid;

use crate::outbox::PARTITIONS;
use crate::restore::SEQUENCES_A_SECOND;

/// The state of the outbox.
#[derive(Clone, Copy, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(super) struct OutboxState {
    /// Events that wait to be published.
    pub(super) depth: i64,
    /// Since when the oldest of them waits.
    pub(super) oldest: Option<Timestamp>,
    /// Events that were given up.
    pub(super) dead_letters: i64,
    /// Events that wait to be published once more.
    pub(super) replays: i64,
    /// The last position given.
    pub(super) last_position: i64,
    /// The last position that was deleted after its time.
    pub(super) pruned: i64,
}

pub(super) async fn outbox(reader: &mut impl Connection) -> Result<OutboxState, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL AND dead_lettered_at IS NULL) AS depth,
                    (SELECT min(occurred_at) FROM outbox WHERE published_at IS NULL AND dead_lettered_at IS NULL) AS oldest,
                    (SELECT count(*) FROM outbox WHERE dead_lettered_at IS NOT NULL) AS dead_letters,
                    (SELECT count(*) FROM outbox_replays) AS replays, last AS last_position, pruned
             FROM outbox_feed")
        .fetch_one(c)
        .await?))
}

/// The number of partitions that a replica publishes.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(super) struct Holder {
    /// The replica; nothing: nobody publishes these.
    pub(super) replica: Option<Uuid>,
    /// The number of partitions.
    pub(super) partitions: i64,
}

pub(super) async fn holders(reader: &mut impl Connection) -> Result<Vec<Holder>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT holder AS replica, count(*) AS partitions FROM outbox_leases GROUP BY holder ORDER BY holder")
        .fetch_all(c)
        .await?))
}

/// The position of a consumer.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(super) struct ConsumerPosition {
    /// The consumer: `auth`, `users`.
    pub(super) consumer: String,
    /// The transport that it reads from: `feed`, `kafka`, `rabbitmq`. Nothing for a row that the release
    /// before has written.
    pub(super) transport: Option<String>,
    /// The place in the broker, as a hash; empty for the feed.
    pub(super) namespace: Option<String>,
    /// The last position of the feed that it has applied; -1: none, or the broker knows.
    pub(super) position: i64,
    /// The time at which it moved.
    pub(super) updated_at: Timestamp,
}

pub(super) async fn consumer_positions(
    reader: &mut impl Connection,
) -> Result<Vec<ConsumerPosition>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT coalesce(name, consumer) AS consumer, transport, namespace, position, updated_at
             FROM consumer_positions WHERE consumer NOT LIKE '@%' ORDER BY 1, 2, 3")
        .fetch_all(c)
        .await?))
}

/// The events that a consumer could not apply: parked, dead-lettered or unreadable.
#[derive(Clone, Copy, Debug, Default, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(super) struct UnappliedEvents {
    /// Events that are tried again, and those behind them.
    pub(super) parked: i64,
    /// Events that were given up.
    pub(super) dead_letters: i64,
    /// Messages that are no events.
    pub(super) unreadable: i64,
}

pub(super) async fn unapplied_events(reader: &mut impl Connection) -> Result<UnappliedEvents, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT (SELECT count(*) FROM inbox_parked WHERE dead_lettered_at IS NULL) AS parked,
                    (SELECT count(*) FROM inbox_parked WHERE dead_lettered_at IS NOT NULL) AS dead_letters,
                    (SELECT count(*) FROM inbox_unreadable) AS unreadable")
        .fetch_one(c)
        .await?))
}

/// A message of a broker that is no event.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(super) struct Unreadable {
    pub(super) consumer: String,
    pub(super) transport: String,
    /// The place in the broker at which it was: topic, partition and offset, say.
    pub(super) place: String,
    pub(super) error: String,
    /// Its size in bytes. What is in it may be anybody's, and is not shown.
    pub(super) bytes: i64,
    pub(super) received_at: Timestamp,
}

pub(super) async fn unreadable(reader: &mut impl Connection, limit: i64) -> Result<Vec<Unreadable>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT consumer, transport, place, error, CAST(length(body) AS BIGINT) AS bytes, received_at
             FROM inbox_unreadable ORDER BY received_at LIMIT $1")
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The number of events that are kept at positions, and the last and the pruned position.
pub(super) async fn positions(reader: &mut impl Connection) -> Result<(i64, i64, i64), DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT (SELECT count(*) FROM outbox WHERE position > f.pruned AND position <= f.last),
                    f.last - CASE WHEN f.resumed_after <= f.pruned THEN 0
                                  WHEN f.stopped_at < f.pruned THEN f.resumed_after - f.pruned
                                  ELSE f.resumed_after - f.stopped_at END,
                    f.pruned
             FROM outbox_feed AS f")
        .fetch_one(c)
        .await?))
}

/// Aggregates some of whose kept events are missing between others: 10 at most. Not those of which one ever failed: it
/// may have been published behind later ones, which are deleted before it. A restoration raises the sequences by a multiple of
/// [`SEQUENCES_A_SECOND`].
/// Numbers that an earlier release left out are known (migration 8, and `outbox/holes.rs`).
pub(super) async fn with_gaps(reader: &mut impl Connection) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar(
            "SELECT aggregate_id
             FROM (SELECT aggregate_id, min(sequence) AS low, max(sequence) AS high, count(*) AS kept,
                          count(last_error) AS failed
                   FROM outbox GROUP BY aggregate_id, sequence / $1) AS run
             WHERE failed = 0 AND high - low + 1 <> kept
               AND high - low + 1 <> kept + (SELECT count(*) FROM outbox_holes AS hole
                   WHERE hole.aggregate_id = run.aggregate_id AND hole.sequence BETWEEN low AND high)
             LIMIT 10")
        .bind(SEQUENCES_A_SECOND)
        .fetch_all(c)
        .await?))
}

/// Aggregates of which a newer event was published before an older one, other than one that had been given up: 10 at
/// most.
pub(super) async fn out_of_order(reader: &mut impl Connection) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar(
            "SELECT older.aggregate_id FROM outbox AS older
             JOIN outbox AS newer ON newer.aggregate_id = older.aggregate_id AND newer.sequence = older.sequence + 1
             WHERE newer.position < older.position AND older.last_error IS NULL LIMIT 10")
        .fetch_all(c)
        .await?))
}

/// The number of partitions that nobody publishes.
pub(super) async fn unheld(reader: &mut impl Connection) -> Result<i64, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT $1 - count(*) FROM outbox_leases WHERE holder IS NOT NULL",
        postgres: "SELECT $1::bigint - count(*) FROM outbox_leases WHERE holder IS NOT NULL",
    );
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement).bind(i64::from(PARTITIONS)).fetch_one(c).await?))
}

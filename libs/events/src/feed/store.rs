//! The statements of the feed.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::ReadError;
use contract::{Envelope, EventContext};

#[derive(sqlx_macros::FromRow)]
struct Published {
    position: i64,
    id: Uuid,
    #[sqlx(rename = "type")]
    kind: String,
    aggregate_id: Uuid,
    payload: Json<Box<RawValue>>,
    sequence: i64,
    traceparent: Option<String>,
    occurred_at: Timestamp,
}

/// Up to `limit` events after `after`, in the order of their positions.
///
/// # Errors
/// When the database fails.
pub async fn after(
    reader: &mut impl Connection,
    after: i64,
    limit: i64,
    source: &str,
) -> Result<Vec<Envelope>, DbError> {
    let rows: Vec<Published> = on_engine!(reader, c => sqlx::query_as(
            "SELECT position, id, type, aggregate_id, payload, sequence, traceparent, occurred_at FROM outbox
             WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?);
    let envelope = |row: Published| {
        let context = EventContext {
            id: row.id,
            source,
            kind: &row.kind,
            subject: row.aggregate_id,
            sequence: row.sequence,
            time: row.occurred_at,
        };
        Envelope {
            traceparent: row.traceparent,
            position: Some(row.position),
            ..Envelope::new(context, row.payload.0)
        }
    };
    Ok(rows.into_iter().map(envelope).collect())
}

/// Refuses a position that the feed does not reach back to, or that it never gave.
pub(super) async fn check(reader: &mut impl Connection, after: i64) -> Result<(), ReadError> {
    let (pruned, last) = bounds(reader).await?;
    let (stopped_at, resumed_after) = hole(reader).await?;
    let lost = (stopped_at..resumed_after).contains(&after);
    if !lost && (pruned..=last).contains(&after) {
        return Ok(());
    }
    Err(ReadError::Gone {
        after,
        oldest: if lost { resumed_after } else { pruned } + 1,
        last,
    })
}

/// Between these the database was restored from a backup: what followed the first is lost, and new events come after the
/// second.
async fn hole(reader: &mut impl Connection) -> Result<(i64, i64), DbError> {
    let statement = "SELECT stopped_at, resumed_after FROM outbox_feed";
    Ok(on_engine!(reader, c => sqlx::query_as(statement).fetch_one(c).await?))
}

/// The last position that was pruned, and the last that was given.
///
/// # Errors
/// When the database fails.
pub async fn bounds(reader: &mut impl Connection) -> Result<(i64, i64), DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as("SELECT pruned, last FROM outbox_feed").fetch_one(c).await?))
}

/// Deletes events that were published before `before`, from the oldest on and `limit` at most, and answers how many
/// they were. What is not published stays, however old. Followers that had not read what is gone begin again with a
/// snapshot.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<i64, DbError> {
    // Locked before anything is looked at: a statement that waits for the counter itself would go on with the
    // counter's new value and the outbox of before, and delete what a relay published meanwhile.
    let counter = sql!(tx,
        sqlite: "SELECT last, pruned FROM outbox_feed",
        postgres: "SELECT last, pruned FROM outbox_feed FOR UPDATE",
    );
    let (last, pruned): (i64, i64) = on_engine!(tx, c => sqlx::query_as(counter).fetch_one(c).await?);
    let (stopped_at, resumed_after) = hole(tx).await?;
    // A hole is crossed in one step.
    let (last, pruned) = match pruned {
        before if before < stopped_at => (last.min(stopped_at), before),
        within if within < resumed_after => (last, resumed_after),
        behind => (last, behind),
    };
    // What a webhook has not looked at yet stays.
    let wanted: Option<i64> = on_engine!(tx, c => sqlx::query_scalar(
            "SELECT min(position) FROM webhooks WHERE disabled_at IS NULL")
        .fetch_one(c)
        .await?);
    let furthest = last
        .min(pruned.saturating_add(limit))
        .min(wanted.unwrap_or(last).max(pruned));
    // Up to the first event that stays, not every old one: the feed has no gaps, even if the clock once went back.
    let stays: Option<i64> = on_engine!(tx, c => sqlx::query_scalar(
            "SELECT min(position) FROM outbox WHERE position > $1 AND position <= $2 AND published_at >= $3")
        .bind(pruned)
        .bind(furthest)
        .bind(before)
        .fetch_one(c)
        .await?);
    let through = stays.map_or(furthest, |position| position - 1);
    if through > pruned {
        on_engine!(tx, c => {
            sqlx::query("UPDATE outbox_feed SET pruned = $1").bind(through).execute(&mut *c).await?;
            sqlx::query("DELETE FROM outbox WHERE position <= $1").bind(through).execute(c).await?;
        });
    }
    Ok(through - pruned)
}

//! The statements of the inbox. [`positions`] has those about where a consumer reads, [`parked`] those about
//! events that could not be applied, [`unreadable`] those about messages that are no events.

pub(in crate::inbox) mod parked;
pub(in crate::inbox) mod positions;
pub(in crate::inbox) mod unreadable;

use std::collections::{HashMap, HashSet};

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use contract::Envelope;

/// After how many milliseconds without a word PostgreSQL ends a transaction of the inbox: a process that was stopped in
/// the middle of one keeps the others waiting no longer.
const IDLE: &str = "10000";

/// A text as both engines keep it: PostgreSQL refuses NUL, and what is wrong with a message may quote it.
pub(in crate::inbox) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The lock of a transaction of the inbox, against those of other replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inbox) enum Together {
    /// Deliveries of published events: the ids that they note keep those apart that overlap.
    WithDeliveries,
    /// Transactions that apply states or events out of turn, and would not see what a delivery is about to
    /// write: a snapshot, a repair, another try at a parked event.
    Alone,
}

/// Begins what a transaction of `consumer` is about to do. To be called before it touches any row. A SQLite file has
/// one writer anyway.
pub(in crate::inbox) async fn enter(tx: &mut Tx, consumer: &str, together: Together) -> Result<(), DbError> {
    if let chassis::db::Handle::Postgres(c) = tx.handle() {
        let statement = match together {
            Together::WithDeliveries => {
                "SELECT set_config('idle_in_transaction_session_timeout', $2, true),
                        pg_advisory_xact_lock_shared(hashtextextended('inbox of ' || $1, 0))"
            }
            Together::Alone => {
                "SELECT set_config('idle_in_transaction_session_timeout', $2, true),
                        pg_advisory_xact_lock(hashtextextended('inbox of ' || $1, 0))"
            }
        };
        sqlx::query(statement)
            .bind(consumer)
            .bind(IDLE)
            .execute(c)
            .await?;
    }
    Ok(())
}

/// Notes the events as received and answers those that are new. In the order of their ids, so that two replicas that are
/// given the same events wait for each other in one direction only.
pub(in crate::inbox) async fn remember(
    tx: &mut Tx,
    consumer: &str,
    events: impl Iterator<Item = Uuid>,
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO inbox (consumer, event_id, received_at)
                 SELECT $1, unhex(value), $3 FROM json_each($2) WHERE true
                 ON CONFLICT DO NOTHING RETURNING event_id",
        postgres: "INSERT INTO inbox (consumer, event_id, received_at)
                   SELECT $1, value::uuid, $3 FROM jsonb_array_elements_text($2::jsonb) AS e(value) ORDER BY 2
                   ON CONFLICT DO NOTHING RETURNING event_id",
    );
    let fresh: Vec<Uuid> = on_engine!(tx, c => sqlx::query_scalar(statement)
        .bind(consumer)
        .bind(id_list(events))
        .bind(now)
        .fetch_all(c)
        .await?);
    Ok(fresh.into_iter().collect())
}

/// The newest sequence applied of each of the aggregates.
pub(in crate::inbox) async fn sequences(
    tx: &mut impl Connection,
    consumer: &str,
    aggregates: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i64>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT aggregate_id, sequence FROM inbox_aggregates
                 WHERE consumer = $1 AND aggregate_id IN (SELECT unhex(value) FROM json_each($2))",
        postgres: "SELECT aggregate_id, sequence FROM inbox_aggregates
                   WHERE consumer = $1
                     AND aggregate_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value)))",
    );
    let known: Vec<(Uuid, i64)> = on_engine!(tx, c => sqlx::query_as(statement)
        .bind(consumer)
        .bind(id_list(aggregates))
        .fetch_all(c)
        .await?);
    Ok(known.into_iter().collect())
}

/// Notes the newest sequence of aggregates; never an older one than is known.
pub(in crate::inbox) async fn note_sequences(
    tx: &mut Tx,
    consumer: &str,
    sequences: &HashMap<Uuid, i64>,
) -> Result<(), DbError> {
    if sequences.is_empty() {
        return Ok(());
    }
    let rows = Value::from_iter(
        sequences
            .iter()
            .map(|(aggregate, sequence)| json!([aggregate.simple().to_string(), sequence])),
    );
    let statement = sql!(tx,
        sqlite: "INSERT INTO inbox_aggregates (consumer, aggregate_id, sequence)
                 SELECT $1, unhex(value ->> 0), value ->> 1 FROM json_each($2) WHERE true
                 ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence
                 WHERE excluded.sequence > inbox_aggregates.sequence",
        postgres: "INSERT INTO inbox_aggregates (consumer, aggregate_id, sequence)
                   SELECT $1, (value ->> 0)::uuid, (value ->> 1)::bigint
                   FROM jsonb_array_elements($2::jsonb) AS e(value) ORDER BY 2
                   ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence
                   WHERE excluded.sequence > inbox_aggregates.sequence",
    );
    on_engine!(tx, c => {
        sqlx::query(statement).bind(consumer).bind(rows.to_string()).execute(c).await?;
    });
    Ok(())
}

/// Forgets ids received before `before`. The sequences of the aggregates stay, and still refuse what is old.
pub(in crate::inbox) async fn forget(tx: &mut Tx, consumer: &str, before: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("DELETE FROM inbox WHERE consumer = $1 AND received_at < $2")
            .bind(consumer)
            .bind(before)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Notes the sequence of `state`, if the note is still what it was.
pub(in crate::inbox) async fn replace_sequence(
    tx: &mut Tx,
    consumer: &str,
    state: &Envelope,
    noted: Option<i64>,
) -> Result<bool, DbError> {
    // Without a note, nothing can be compared: one that appears meanwhile is left alone.
    let statement = match noted {
        Some(_) => {
            "UPDATE inbox_aggregates SET sequence = $3 WHERE consumer = $1 AND aggregate_id = $2 AND sequence = $4"
        }
        None => {
            "INSERT INTO inbox_aggregates (consumer, aggregate_id, sequence)
             SELECT $1, $2, $3 WHERE $4 IS NULL ON CONFLICT DO NOTHING"
        }
    };
    let rows = on_engine!(tx, c => sqlx::query(statement)
        .bind(consumer)
        .bind(state.subject)
        .bind(state.sequence)
        .bind(noted)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// The numbers of events that are tried again, of those that were given up, and of messages that were no
/// events.
pub(in crate::inbox) async fn unapplied(
    reader: &mut impl Connection,
    consumer: &str,
) -> Result<[i64; 3], DbError> {
    let (waiting, dead, unreadable) = on_engine!(reader, c => sqlx::query_as(
            "SELECT (SELECT count(*) FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at IS NULL),
                    (SELECT count(*) FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at IS NOT NULL),
                    (SELECT count(*) FROM inbox_unreadable WHERE consumer = $1)")
        .bind(consumer)
        .fetch_one(c)
        .await?);
    Ok([waiting, dead, unreadable])
}

//! The statements of republishing: the events that wait to be published once more.

use std::collections::HashSet;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::Unsent;

/// An event that waits to be published again.
#[derive(Debug, sqlx_macros::FromRow)]
pub(in crate::relay) struct Waiting {
    #[sqlx(flatten)]
    pub(in crate::relay) row: Unsent,
    pub(in crate::relay) position: i64,
    /// The number of requests for it: one that is made meanwhile is not forgotten.
    pub(in crate::relay) asked: i64,
}

/// The oldest that wait, of these partitions.
pub(in crate::relay) async fn waiting(
    reader: &mut impl Connection,
    partitions: &str,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT o.number, o.id, o.aggregate_id, o.type, o.payload, o.sequence, o.traceparent, o.occurred_at,
                        o.partition, o.attempts, false AS failed, r.position, r.asked
                 FROM outbox_replays AS r JOIN outbox AS o ON o.position = r.position
                 WHERE r.partition IN (SELECT value FROM json_each($1))
                 ORDER BY r.position LIMIT $2",
        postgres: "SELECT o.number, o.id, o.aggregate_id, o.type, o.payload, o.sequence, o.traceparent, o.occurred_at,
                          o.partition, o.attempts, false AS failed, r.position, r.asked
                   FROM outbox_replays AS r JOIN outbox AS o ON o.position = r.position
                   WHERE r.partition = ANY (ARRAY(SELECT value::int FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   ORDER BY r.position LIMIT $2",
    );
    let mut found: Vec<Waiting> =
        on_engine!(reader, c => sqlx::query_as(statement).bind(partitions).bind(limit).fetch_all(c).await?);
    // Positions of an aggregate are not always in the order of its versions: one was given up and revived.
    found.sort_by_key(|waiting| (waiting.row.aggregate_id, waiting.row.sequence));
    Ok(found)
}

/// The newest published event of each of the aggregates.
pub(in crate::relay) async fn newest(
    reader: &mut impl Connection,
    aggregates: &HashSet<Uuid>,
) -> Result<Vec<Unsent>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT number, id, aggregate_id, type, payload, sequence, traceparent, occurred_at, partition, attempts,
                        false AS failed
                 FROM outbox AS o
                 WHERE aggregate_id IN (SELECT unhex(value) FROM json_each($1)) AND position IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM outbox AS n WHERE n.aggregate_id = o.aggregate_id
                                     AND n.sequence > o.sequence AND n.position IS NOT NULL)",
        postgres: "SELECT number, id, aggregate_id, type, payload, sequence, traceparent, occurred_at, partition, attempts,
                        false AS failed
                   FROM outbox AS o
                   WHERE aggregate_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                     AND position IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM outbox AS n WHERE n.aggregate_id = o.aggregate_id
                                       AND n.sequence > o.sequence AND n.position IS NOT NULL)",
    );
    let list = id_list(aggregates.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Has the newest event of each of the aggregates, published at a position before `before`, published once more: an old
/// one of them has just gone out, and must not stay the last.
pub(in crate::relay) async fn newest_last(
    tx: &mut Tx,
    aggregates: impl Iterator<Item = Uuid>,
    before: i64,
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO outbox_replays (position, partition)
                 SELECT position, partition FROM outbox AS o
                 WHERE aggregate_id IN (SELECT unhex(value) FROM json_each($1)) AND position < $2
                   AND NOT EXISTS (SELECT 1 FROM outbox AS n WHERE n.aggregate_id = o.aggregate_id
                                     AND n.sequence > o.sequence AND n.position IS NOT NULL)
                 ON CONFLICT (position) DO UPDATE SET asked = outbox_replays.asked + 1",
        postgres: "INSERT INTO outbox_replays (position, partition)
                   SELECT position, partition FROM outbox AS o
                   WHERE aggregate_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                     AND position < $2
                     AND NOT EXISTS (SELECT 1 FROM outbox AS n WHERE n.aggregate_id = o.aggregate_id
                                       AND n.sequence > o.sequence AND n.position IS NOT NULL)
                   ON CONFLICT (position) DO UPDATE SET asked = outbox_replays.asked + 1",
    );
    let list = id_list(aggregates);
    on_engine!(tx, c => {
        sqlx::query(statement).bind(list).bind(before).execute(c).await?;
    });
    Ok(())
}

/// Deletes the requests that were carried out, by position and by how often they were asked for, and those whose event was
/// pruned before its turn.
pub(in crate::relay) async fn delete(tx: &mut Tx, done: &[(i64, i64)]) -> Result<(), DbError> {
    on_engine!(tx, c => {
        for (position, asked) in done {
            sqlx::query("DELETE FROM outbox_replays WHERE position = $1 AND asked = $2")
                .bind(position)
                .bind(asked)
                .execute(&mut *c)
                .await?;
        }
        sqlx::query("DELETE FROM outbox_replays WHERE position <= (SELECT pruned FROM outbox_feed)")
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Has published events published once more. Answers how many.
pub(crate) async fn request_republish(tx: &mut Tx, from: i64, to: i64) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "INSERT INTO outbox_replays (position, partition)
             SELECT position, partition FROM outbox WHERE position >= $1 AND position <= $2
             ON CONFLICT (position) DO UPDATE SET asked = outbox_replays.asked + 1")
        .bind(from)
        .bind(to)
        .execute(c)
        .await?
        .rows_affected()))
}

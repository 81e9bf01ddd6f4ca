//! Publishing once more what was published before: because an operator asks for it, or because an old event may have
//! gone out behind a newer one of its aggregate.
//!
//! The relay does it and nobody else: it alone knows that no newer event of the aggregate goes out at the same moment.
//! Behind the old events of an aggregate it sends the newest one again, so that the last message about it on the
//! broker is the newest state: a topic that is compacted keeps nothing else.

use std::collections::HashSet;
use std::time::Duration;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use tokio::time::Instant;
use uuid::Uuid;

use super::Relay;
use super::batch::{self, BatchError, OutboxRowKey};
use super::store::Unsent;
use crate::trace;
use crate::transport::{PublishError, Transport};
use contract::Envelope;

/// How often is looked for something to publish again.
const EVERY: Duration = Duration::from_secs(1);

/// When to look next.
#[derive(Debug)]
pub(super) struct Republishing {
    due: Instant,
    /// Aggregates of which this replica may have sent something old, and has not told anybody yet.
    owed: HashSet<Uuid>,
}

impl Default for Republishing {
    fn default() -> Self {
        Self {
            due: Instant::now(),
            owed: HashSet::new(),
        }
    }
}

impl Republishing {
    /// This replica stood still, and has delivered events of these aggregates that may be old by now.
    pub(super) fn mark_stale(&mut self, aggregates: impl Iterator<Item = Uuid>) {
        self.owed.extend(aggregates);
    }
}

/// Has the newest event of every aggregate that is owed published, by whoever holds its partition.
pub(super) async fn republish_stale<T: Transport>(relay: &mut Relay<T>) -> Result<(), DbError> {
    if relay.republishing.owed.is_empty() {
        return Ok(());
    }
    let mut tx = relay.db.begin("relay_own_up").await?;
    newest_last(&mut tx, relay.republishing.owed.iter().copied(), i64::MAX).await?;
    tx.commit().await?;
    relay.republishing.owed.clear();
    Ok(())
}

/// An event that waits to be published again.
#[derive(Debug, sqlx::FromRow)]
struct Waiting {
    #[sqlx(flatten)]
    row: Unsent,
    position: i64,
    /// How often it was asked for: who asks meanwhile is not forgotten.
    asked: i64,
}

/// Publishes some events again, if any wait and it is time to look.
pub(super) async fn publish<T: Transport>(relay: &mut Relay<T>) -> Result<(), DbError> {
    if Instant::now() < relay.republishing.due || relay.leases.count() == 0 {
        return Ok(());
    }
    relay.republishing.due = Instant::now() + EVERY;
    let (partitions, limit) = (relay.leases.as_json(), relay.options.batch);
    let mut reader = relay.db.reader().await?;
    let old = waiting(&mut reader, &partitions, limit).await?;
    if old.is_empty() {
        return Ok(());
    }
    let aggregates: HashSet<Uuid> = old.iter().map(|waiting| waiting.row.aggregate_id).collect();
    let newest = newest(&mut reader, &aggregates).await?;
    drop(reader);
    let known: HashSet<i64> = old.iter().map(|waiting| waiting.row.number).collect();
    let after = newest.into_iter().filter(|row| !known.contains(&row.number));
    let asked: Vec<(i64, i64)> = old
        .iter()
        .map(|waiting| (waiting.position, waiting.asked))
        .collect();
    let source = relay.outbox.source().to_owned();
    let (keys, events): (Vec<OutboxRowKey>, Vec<Envelope>) = old
        .into_iter()
        .map(|waiting| waiting.row)
        .chain(after)
        .map(|row| batch::split(row, &source))
        .unzip();
    let mut spans = trace::sending(&relay.transport, &events);
    let results = batch::deliver(relay, &events).await;
    trace::sent(&mut spans, &results);
    drop(spans);
    let failed = failed(&events, &results);
    let done: Vec<(i64, i64)> = asked
        .into_iter()
        .zip(&events)
        .filter(|(_, event)| !failed.contains(&event.subject))
        .map(|(asked, _)| asked)
        .collect();
    match forget(relay, &keys, &done).await {
        Err(BatchError::Fenced) => {
            relay.leases.forget();
            relay.republishing.mark_stale(aggregates.into_iter());
            return republish_stale(relay).await;
        }
        Err(BatchError::Db(error)) => return Err(error),
        Ok(()) => {}
    }
    metrics::counter!("vestibule_events_replayed_total", "transport" => relay.transport.name())
        .increment(done.len() as u64);
    if !done.is_empty() {
        // There may be more.
        relay.republishing.due = Instant::now();
    }
    Ok(())
}

/// The aggregates of which something was not delivered. All or nothing: without the newest, those before it are not
/// done.
fn failed(events: &[Envelope], results: &[Result<(), PublishError>]) -> HashSet<Uuid> {
    let mut failed = HashSet::new();
    for (event, result) in events.iter().zip(results) {
        match result {
            Ok(()) => {}
            Err(PublishError::Unavailable(_) | PublishError::Unsent) => {
                failed.insert(event.subject);
            }
            Err(PublishError::Refused(reason)) => {
                tracing::error!(event.id = %event.id, event.reason = reason, "the transport refuses an event that was to be published again");
            }
        }
    }
    failed
}

/// The oldest that wait, of these partitions.
async fn waiting(
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
async fn newest(reader: &mut impl Connection, aggregates: &HashSet<Uuid>) -> Result<Vec<Unsent>, DbError> {
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
                   WHERE aggregate_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))
                     AND position IS NOT NULL
                     AND NOT EXISTS (SELECT 1 FROM outbox AS n WHERE n.aggregate_id = o.aggregate_id
                                       AND n.sequence > o.sequence AND n.position IS NOT NULL)",
    );
    let list = id_list(aggregates.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Has the newest event of each of the aggregates, published at a position before `before`, published once more: an old
/// one of them has just gone out, and must not stay the last.
pub(super) async fn newest_last(
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
                   WHERE aggregate_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value))
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

/// Forgets what was published again, unless the partitions are somebody else's by now.
async fn forget<T: Transport>(
    relay: &Relay<T>,
    keys: &[OutboxRowKey],
    done: &[(i64, i64)],
) -> Result<(), BatchError> {
    let mut tx = relay.db.begin("relay_again").await?;
    batch::guard(relay, &mut tx, keys.iter().map(|key| key.partition)).await?;
    on_engine!(&mut tx, c => {
        for (position, asked) in done {
            sqlx::query("DELETE FROM outbox_replays WHERE position = $1 AND asked = $2")
                .bind(position)
                .bind(asked)
                .execute(&mut *c)
                .await
                .map_err(DbError::from)?;
        }
        // Pruned before their turn.
        sqlx::query("DELETE FROM outbox_replays WHERE position <= (SELECT pruned FROM outbox_feed)")
            .execute(c)
            .await
            .map_err(DbError::from)?;
    });
    Ok(tx.commit().await?)
}

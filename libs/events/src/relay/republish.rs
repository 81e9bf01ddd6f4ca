//! Publishing once more what was published before: because an operator asks for it, or because an old event may have
//! gone out behind a newer one of its aggregate.
//!
//! The relay does it and nobody else: it alone knows that no newer event of the aggregate goes out at the same moment.
//! Behind the old events of an aggregate it sends the newest one again, so that the last message about it on the
//! broker is the newest state: a topic that is compacted keeps nothing else.

use std::collections::HashSet;
use std::time::Duration;

use chassis::db::DbError;
use tokio::time::Instant;
use uuid::Uuid;

use super::Relay;
use super::batch::{self, BatchError, OutboxRowKey};
use super::store::replays;
use crate::trace;
use crate::transport::{PublishError, Transport};
use contract::Envelope;

/// The interval of the checks for events to publish again.
const EVERY: Duration = Duration::from_secs(1);

/// The state of republishing: the time of the next check, and the stale aggregates.
#[derive(Debug)]
pub(super) struct Republishing {
    due: Instant,
    /// Aggregates of which this replica may have sent something old, and has not told anybody yet.
    stale: HashSet<Uuid>,
}

impl Default for Republishing {
    fn default() -> Self {
        Self {
            due: Instant::now(),
            stale: HashSet::new(),
        }
    }
}

impl Republishing {
    /// This replica stood still, and has delivered events of these aggregates that may be old by now.
    pub(super) fn mark_stale(&mut self, aggregates: impl Iterator<Item = Uuid>) {
        self.stale.extend(aggregates);
    }
}

/// Marks the newest event of every stale aggregate for publishing, by the replica that holds its partition.
pub(super) async fn republish_stale<T: Transport>(relay: &mut Relay<T>) -> Result<(), DbError> {
    if relay.republishing.stale.is_empty() {
        return Ok(());
    }
    let mut tx = relay.db.begin("relay_republish_stale").await?;
    replays::newest_last(&mut tx, relay.republishing.stale.iter().copied(), i64::MAX).await?;
    tx.commit().await?;
    relay.republishing.stale.clear();
    Ok(())
}

/// Publishes some events again, if any wait and it is time to look.
pub(super) async fn publish<T: Transport>(relay: &mut Relay<T>) -> Result<(), DbError> {
    if Instant::now() < relay.republishing.due || relay.leases.count() == 0 {
        return Ok(());
    }
    relay.republishing.due = Instant::now() + EVERY;
    let (partitions, limit) = (relay.leases.as_json(), relay.options.batch);
    let mut reader = relay.db.reader().await?;
    let old = replays::waiting(&mut reader, &partitions, limit).await?;
    if old.is_empty() {
        return Ok(());
    }
    let aggregates: HashSet<Uuid> = old.iter().map(|waiting| waiting.row.aggregate_id).collect();
    let newest = replays::newest(&mut reader, &aggregates).await?;
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
                tracing::error!(event.id = %event.id, event.reason = reason, "transport rejected an event that was to be republished");
            }
        }
    }
    failed
}

/// Forgets what was published again, unless the partitions are somebody else's by now.
async fn forget<T: Transport>(
    relay: &Relay<T>,
    keys: &[OutboxRowKey],
    done: &[(i64, i64)],
) -> Result<(), BatchError> {
    let mut tx = relay.db.begin("relay_republished").await?;
    batch::guard(relay, &mut tx, keys.iter().map(|key| key.partition)).await?;
    replays::delete(&mut tx, done).await?;
    Ok(tx.commit().await?)
}

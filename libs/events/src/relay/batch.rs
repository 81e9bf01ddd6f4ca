//! One batch: read, deliver, and write down what became of it.

use std::collections::HashSet;
use std::time::Duration;

use chassis::backoff::{Backoff, exponential_pause};
use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use sqlx::types::Json;
use tokio::time::Instant;

use super::store::{self, PublishFailure, Unsent};
use super::{Relay, RelayOptions};
use crate::trace;
use crate::transport::{PublishError, Transport};
use contract::{Envelope, EventContext};

/// For how long aggregates are left alone of which the transport took nothing while it took others.
const POSTPONED: Duration = Duration::from_secs(1);

/// The result of one batch.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// The last position given, if any was.
    pub(super) head: Option<i64>,
    /// There may be more where these came from.
    pub(super) full: bool,
    /// The transport takes nothing now: for how long it is left alone.
    pub(super) unavailable: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    /// A partition belongs to another replica by now: nothing was written.
    #[error("a partition is held by another replica")]
    Fenced,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Publishes the next batch of the partitions that this relay holds.
pub(super) async fn publish<T: Transport>(relay: &mut Relay<T>) -> Result<Published, BatchError> {
    let (partitions, limit) = (relay.leases.as_json(), relay.options.batch);
    if relay.leases.count() == 0 {
        return Ok(Published::default());
    }
    let selection = store::Selection {
        partitions: &partitions,
        now: relay.outbox.clock().now(),
        longest: relay.options.longest_backoff,
        limit,
        // While the transport refuses some, what it refused must not stand in the way of what it may take.
        retries: if relay.refusals.is_failing() {
            limit / 2
        } else {
            limit
        },
    };
    let mut reader = relay.db.reader().await?;
    let rows = store::unsent(&mut reader, selection).await?;
    drop(reader);
    if rows.is_empty() {
        return Ok(Published::default());
    }
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let (keys, events): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|row| split(row, relay.outbox.source()))
        .unzip();
    let mut spans = trace::sending(&relay.transport, &events);
    let results = deliver(relay, &events).await;
    trace::sent(&mut spans, &results);
    let mut outcome = classify(&keys, results, &relay.options, relay.outbox.clock().now());
    let pause = note_availability(&mut relay.refusals, &outcome);
    // Where only some of what is there can be delivered, the rest must not stand in its way.
    if outcome.sent.is_empty() && !full {
        outcome.postponed.clear();
    }
    let head = match record_results(relay, &keys, &outcome).await {
        Err(BatchError::Fenced) => {
            relay
                .republishing
                .mark_stale(keys.iter().map(|key| key.aggregate));
            return Err(BatchError::Fenced);
        }
        written => written?,
    };
    // Not before the rows say so: for the feed that is what publishes.
    drop(spans);
    relay.metering.batch(outcome.sent.len(), &outcome.failures);
    trace_results(&keys, &events, &outcome.sent).await;
    log_dead_letters(&keys, &events, &outcome.failures);
    Ok(Published {
        head,
        full: full || outcome.unsent,
        unavailable: pause.filter(|_| outcome.sent.is_empty()),
    })
}

/// Logs one line for each event that was given up with its last failure.
fn log_dead_letters(keys: &[OutboxRowKey], events: &[Envelope], failures: &[PublishFailure]) {
    for failure in failures
        .iter()
        .filter(|failure| failure.dead_lettered_at.is_some())
    {
        let Some((key, event)) = keys
            .iter()
            .zip(events)
            .find(|(key, _)| key.number == failure.number)
        else {
            continue;
        };
        tracing::error!(
            event.action = "event-dead-lettered",
            event.outcome = "failure",
            event.id = %event.id,
            vestibule.event.type = event.kind,
            vestibule.event.number = failure.number,
            error = %failure.error,
            "outbox event dead-lettered after {} attempts: it can be replayed",
            key.attempts.saturating_add(1)
        );
    }
}

/// Keeps count of whether the transport takes events. Answers for how long to leave one alone that refused some.
pub(super) fn note_availability(refusals: &mut Backoff, outcome: &Outcome) -> Option<Duration> {
    match &outcome.unavailable {
        Some(reason) => Some(refusals.failed(&PublishError::Unavailable(reason.clone()))),
        None if outcome.sent.is_empty() => None,
        None => {
            refusals.succeeded();
            None
        }
    }
}

/// Logs one line an event, in its trace, so that it can be followed from service to service.
async fn trace_results(keys: &[OutboxRowKey], events: &[Envelope], sent: &[i64]) {
    let sent: HashSet<i64> = sent.iter().copied().collect();
    for (key, event) in keys.iter().zip(events) {
        if !sent.contains(&key.number) {
            continue;
        }
        crate::trace::within(event, async {
            tracing::debug!(
                event.action = "event-published",
                event.outcome = "success",
                event.id = %event.id,
                vestibule.event.type = event.kind,
                "event published"
            );
        })
        .await;
    }
}

/// Hands the events to the transport. While that takes its time the leases are renewed, so that a slow broker does not
/// make replicas take turns at the same batch; after [`RelayOptions::patience`] another may try.
pub(super) async fn deliver<T: Transport>(
    relay: &mut Relay<T>,
    events: &[Envelope],
) -> Vec<Result<(), PublishError>> {
    let Relay {
        transport,
        leases,
        db,
        options,
        ..
    } = relay;
    let patience = Instant::now() + options.patience;
    let mut publishing = std::pin::pin!(transport.publish(events));
    loop {
        let due = leases.due();
        tokio::select! {
            results = &mut publishing => return results,
            () = tokio::time::sleep_until(due), if due < patience => leases.renew(db).await,
        }
    }
}

/// The data of an outbox row that the relay remembers while its event is on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutboxRowKey {
    pub(super) number: i64,
    pub(super) aggregate: uuid::Uuid,
    pub(super) partition: i32,
    pub(super) attempts: i32,
    pub(super) failed: bool,
}

pub(super) fn split(row: Unsent, source: &str) -> (OutboxRowKey, Envelope) {
    let Json(data) = row.payload;
    let key = OutboxRowKey {
        number: row.number,
        aggregate: row.aggregate_id,
        partition: row.partition,
        attempts: row.attempts,
        failed: row.failed,
    };
    let context = EventContext {
        id: row.id,
        source,
        kind: &row.kind,
        subject: row.aggregate_id,
        sequence: row.sequence,
        time: row.occurred_at,
    };
    let envelope = Envelope {
        traceparent: row.traceparent,
        ..Envelope::new(context, data)
    };
    (key, envelope)
}

#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The numbers of the rows that were delivered, in order.
    pub(super) sent: Vec<i64>,
    pub(super) failures: Vec<PublishFailure>,
    /// The transport took nothing of their aggregates.
    pub(super) postponed: Vec<i64>,
    /// The reason why the transport took nothing of some aggregates, if it did.
    pub(super) unavailable: Option<String>,
    /// Some were not tried.
    pub(super) unsent: bool,
}

/// Sorts out what was delivered. Behind a failed event of an aggregate nothing of it counts as delivered.
pub(super) fn classify(
    keys: &[OutboxRowKey],
    results: Vec<Result<(), PublishError>>,
    options: &RelayOptions,
    now: Timestamp,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut held = HashSet::new();
    // A transport that answers too few results has not confirmed the rest.
    let unanswered = || Err(PublishError::Unavailable("no answer".to_owned()));
    let results = results.into_iter().chain(std::iter::repeat_with(unanswered));
    for (key, result) in keys.iter().zip(results) {
        if held.contains(&key.aggregate) {
            continue;
        }
        match result {
            Ok(()) => outcome.sent.push(key.number),
            Err(PublishError::Unavailable(reason)) => {
                outcome.unavailable.get_or_insert(reason);
                held.insert(key.aggregate);
                outcome.postponed.push(key.number);
            }
            Err(PublishError::Unsent) => {
                outcome.unsent = true;
                held.insert(key.aggregate);
            }
            Err(PublishError::Refused(error)) => {
                held.insert(key.aggregate);
                outcome.failures.push(failure(key, error, options, now));
            }
        }
    }
    outcome
}

fn failure(key: &OutboxRowKey, error: String, options: &RelayOptions, now: Timestamp) -> PublishFailure {
    let attempts = key.attempts.saturating_add(1);
    let earlier = key.attempts.max(0).unsigned_abs();
    let pause = exponential_pause(options.first_backoff, options.longest_backoff, earlier);
    PublishFailure {
        number: key.number,
        next_attempt_at: now + pause,
        dead_lettered_at: (attempts >= options.max_attempts).then_some(now),
        error,
    }
}

/// Marks what was delivered and what failed, in one transaction that the leases guard.
async fn record_results<T: Transport>(
    relay: &Relay<T>,
    keys: &[OutboxRowKey],
    outcome: &Outcome,
) -> Result<Option<i64>, BatchError> {
    if outcome.sent.is_empty() && outcome.failures.is_empty() && outcome.postponed.is_empty() {
        return Ok(None);
    }
    let mut tx = relay.db.begin("relay").await?;
    guard(relay, &mut tx, keys.iter().map(|key| key.partition)).await?;
    let now = relay.outbox.clock().now();
    let mut head = None;
    if !outcome.sent.is_empty() {
        let count = i64::try_from(outcome.sent.len()).unwrap_or(i64::MAX);
        let first = store::take_positions(&mut tx, count).await?;
        if store::mark(&mut tx, &outcome.sent, first, now).await? != outcome.sent.len() as u64 {
            // Under a lease that holds this cannot be; if it is, no position may be lost for it.
            return Err(BatchError::Fenced);
        }
        head = Some(first + count - 1);
        // One that was given up and revived has newer ones before it.
        let late = keys
            .iter()
            .filter(|key| key.failed && outcome.sent.contains(&key.number));
        if late.clone().next().is_some() {
            store::replays::newest_last(&mut tx, late.map(|key| key.aggregate), first).await?;
        }
    }
    for failure in &outcome.failures {
        store::record_failure(&mut tx, failure).await?;
    }
    if !outcome.postponed.is_empty() {
        let pause = POSTPONED.min(relay.options.longest_backoff);
        store::postpone(&mut tx, &outcome.postponed, now + pause).await?;
    }
    tx.commit().await?;
    Ok(head)
}

/// Makes sure that the partitions are this relay's until the transaction ends.
pub(super) async fn guard<T: Transport>(
    relay: &Relay<T>,
    tx: &mut Tx,
    mut partitions: impl Iterator<Item = i32>,
) -> Result<(), BatchError> {
    // Twice a lease: a replica that stands still longer has lost it anyway.
    let idle = (relay.options.lease.as_millis() * 2).to_string();
    let held = store::held(tx, relay.leases.me(), &idle).await?;
    match partitions.all(|partition| relay.leases.confirms(partition, &held)) {
        true => Ok(()),
        false => Err(BatchError::Fenced),
    }
}

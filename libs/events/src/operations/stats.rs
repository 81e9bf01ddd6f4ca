//! `GET /admin/v1/events/stats`: statistics of the outbox, the relay, the inbox and the reconciler.

use chassis::db::DbError;
use serde::Serialize;

use super::Operations;
use super::store::{self, ConsumerPosition, Holder, OutboxState, UnappliedEvents};
use crate::inbox::Delivery;
use crate::reconcile::{Report, store as reconciliations};

/// The state of the events of a service.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "EventStats")]
pub(crate) struct Stats {
    /// The service: the name of its consumer.
    service: &'static str,
    /// `feed`, `kafka` …
    transport: &'static str,
    outbox: OutboxState,
    /// Seconds that the oldest unpublished event has waited.
    oldest_seconds: f64,
    leases: Vec<Holder>,
    consumers: Vec<ConsumerPosition>,
    /// Messages that wait at the broker, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
    inbox: UnappliedEvents,
    /// The outcomes of this replica's consumer since it began.
    since_start: Delivery,
    /// The last comparison with the other service.
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Report>,
}

pub(super) async fn stats(operations: &Operations) -> Result<Stats, DbError> {
    let shared = &operations.shared;
    let mut reader = shared.db.reader().await?;
    let outbox = store::outbox(&mut reader).await?;
    let now = shared.outbox.clock().now();
    Ok(Stats {
        service: shared.consumer,
        transport: shared.transport.as_str(),
        outbox,
        oldest_seconds: outbox
            .oldest
            .map_or(0.0, |oldest| now.since(oldest).as_secs_f64()),
        leases: store::holders(&mut reader).await?,
        consumers: store::consumer_positions(&mut reader).await?,
        lag: shared.reconciliation.consumer().lag(),
        inbox: store::unapplied_events(&mut reader).await?,
        since_start: shared.reconciliation.consumer().totals(),
        reconciliation: reconciliations::last(&mut reader, shared.consumer).await?,
    })
}

//! The metrics of brokers.

use chassis::telemetry::catalogue::{Label, Metric};

/// The metrics of brokers.
pub const METRICS: &[Metric] = &[Metric::counter(
    "vestibule_events_unrouted_total",
    "events",
    "Events that RabbitMQ put into no queue, because none is bound for them and no service must hear them.",
)
.labels(&[Label::free("type", "the type of the event")])];

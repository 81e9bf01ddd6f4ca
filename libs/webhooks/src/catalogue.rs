//! The metrics of webhooks.

use chassis::telemetry::catalogue::{Label, Metric};

/// The metrics of webhooks.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "vestibule_webhook_deliveries_total",
        "attempts",
        "Attempts to deliver an event to a webhook, by outcome.",
    )
    .labels(&[Label::of("outcome", &["delivered", "failed", "dead", "gone"])]),
    Metric::counter(
        "vestibule_webhook_events_missed_total",
        "events",
        "Events that a webhook was too late for: they were deleted before it was ready.",
    ),
    Metric::gauge(
        "vestibule_webhook_deliveries_pending",
        "deliveries",
        "Deliveries to webhooks that wait for their first or next attempt.",
    ),
    Metric::gauge(
        "vestibule_webhook_oldest_pending_seconds",
        "seconds",
        "How long the oldest delivery to a webhook has waited; 0 when none waits.",
    ),
    Metric::gauge(
        "vestibule_webhook_deliveries_dead_lettered",
        "deliveries",
        "Deliveries to webhooks that were given up and can be replayed.",
    ),
];

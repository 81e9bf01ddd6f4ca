//! The catalogue of the Prometheus metrics of events.

use chassis::telemetry::catalogue::{Label, Metric};

const TRANSPORT: Label = Label::free(
    "transport",
    "what carries the events: `feed`, `kafka` or `rabbitmq`",
);
const CONSUMER: Label = Label::free("consumer", "the name of the service that follows");
const KIND: Label = Label::of("kind", &["missing", "behind", "ahead", "unknown"]);

/// The metrics of the outbox, the inbox, and the reconciler.
pub const METRICS: &[Metric] = &[
    Metric::gauge(
        "vestibule_outbox_depth",
        "events",
        "Events that wait to be published.",
    ),
    Metric::gauge(
        "vestibule_outbox_age_seconds",
        "seconds",
        "How long the oldest event has waited to be published; 0 when none waits.",
    ),
    Metric::gauge(
        "vestibule_outbox_dead_letters",
        "events",
        "Events that could not be published and were given up.",
    ),
    Metric::gauge(
        "vestibule_relay_leases",
        "partitions",
        "Partitions of the outbox that this replica publishes, of 16 in all.",
    ),
    Metric::counter(
        "vestibule_events_published_total",
        "events",
        "Events that were published.",
    )
    .labels(&[TRANSPORT]),
    Metric::counter(
        "vestibule_events_publish_failures_total",
        "attempts",
        "Attempts to publish an event that failed and are tried again.",
    )
    .labels(&[TRANSPORT]),
    Metric::counter(
        "vestibule_events_dead_lettered_total",
        "events",
        "Events that were given up because they cannot be published.",
    )
    .labels(&[TRANSPORT]),
    Metric::counter(
        "vestibule_events_replayed_total",
        "events",
        "Events that were published again on demand.",
    )
    .labels(&[TRANSPORT]),
    Metric::counter(
        "vestibule_events_pruned_total",
        "events",
        "Published events that were deleted because they are older than the retention.",
    ),
    Metric::counter(
        "vestibule_inbox_events_total",
        "events",
        "Events that came, by what became of them.",
    )
    .labels(&[
        CONSUMER,
        Label::of("outcome", &["applied", "ignored", "duplicate", "stale", "parked"]),
    ]),
    Metric::counter(
        "vestibule_inbox_gaps_total",
        "events",
        "Events that came although one before them was missing.",
    )
    .labels(&[CONSUMER]),
    Metric::counter(
        "vestibule_inbox_dead_lettered_total",
        "events",
        "Events that were given up because they cannot be applied.",
    )
    .labels(&[CONSUMER]),
    Metric::counter(
        "vestibule_inbox_unreadable_total",
        "messages",
        "Messages of the broker that are no events of ours.",
    )
    .labels(&[CONSUMER]),
    Metric::gauge(
        "vestibule_inbox_unapplied_events",
        "events",
        "Events that are not applied: parked until they can be, dead-lettered, or unreadable.",
    )
    .labels(&[
        CONSUMER,
        Label::of("state", &["parked", "dead_lettered", "unreadable"]),
    ]),
    Metric::counter(
        "vestibule_consumer_failures_total",
        "failures",
        "Times that the other service or the broker could not be followed.",
    )
    .labels(&[CONSUMER]),
    Metric::gauge(
        "vestibule_consumer_lag",
        "events",
        "Published events that are not applied yet.",
    )
    .labels(&[CONSUMER]),
    Metric::gauge(
        "vestibule_consumer_position",
        "events",
        "The position in the feed of the other service up to which events are applied.",
    )
    .labels(&[CONSUMER]),
    Metric::histogram(
        "vestibule_event_delay_seconds",
        "seconds",
        "From the commit of a change in one service to the commit of its effect in the other.",
    )
    .labels(&[CONSUMER]),
    Metric::gauge(
        "vestibule_reconcile_drift",
        "people",
        "Differences between the services that could not be repaired, when they were last compared.",
    )
    .labels(&[CONSUMER, KIND]),
    Metric::counter(
        "vestibule_reconcile_repaired_total",
        "people",
        "Differences between the services that were repaired.",
    )
    .labels(&[CONSUMER, KIND]),
    Metric::counter(
        "vestibule_reconcile_failures_total",
        "failures",
        "Times that the services could not be compared.",
    )
    .labels(&[CONSUMER]),
    Metric::gauge(
        "vestibule_reconcile_last_success_timestamp_seconds",
        "seconds since 1970",
        "When the services were last compared.",
    )
    .labels(&[CONSUMER]),
];

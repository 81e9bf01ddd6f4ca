//! The metrics of outbound provisioning.

use chassis::telemetry::catalogue::{Label, Metric};

/// The metrics of outbound provisioning.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "vestibule_provisioning_pushes_total",
        "pushes",
        "Pushes of users and groups to targets, by outcome.",
    )
    .labels(&[Label::of(
        "outcome",
        &["pushed", "unchanged", "failed", "dead", "postponed"],
    )]),
    Metric::gauge(
        "vestibule_provisioning_resources_waiting",
        "resources",
        "Users and groups that wait for a push to a target; those of paused targets are left out.",
    ),
    Metric::gauge(
        "vestibule_provisioning_oldest_waiting_seconds",
        "seconds",
        "How long the oldest push has waited; 0 when none waits.",
    ),
    Metric::gauge(
        "vestibule_provisioning_resources_dead_lettered",
        "resources",
        "Users and groups whose push was given up and can be retried.",
    ),
    Metric::gauge(
        "vestibule_provisioning_targets_unauthorized",
        "targets",
        "Targets that are paused because they refuse the credentials.",
    ),
];

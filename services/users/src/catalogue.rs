//! The catalogue of the Prometheus metrics of this service, beside those of every service. No label names a person (SB-39).

use chassis::telemetry::catalogue::Metric;

/// The metrics of revocations and of provisioning tokens.
pub const METRICS: &[Metric] = &[
    Metric::gauge(
        "vestibule_revocations_age_seconds",
        "seconds",
        "How old the list of revoked grants and deleted clients is; above 5, privileged scopes are refused.",
    ),
    Metric::gauge(
        "vestibule_provisioning_token_expiry_seconds",
        "seconds",
        "The time until the first provisioning client has no valid token; below 0 when one has none, infinite without clients.",
    ),
];

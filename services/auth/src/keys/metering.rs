//! Prometheus metrics of the signing keys.

use metrics::gauge;

use super::schedule::{KeyState, RotationPolicy, ScheduledKey, in_use};

const STATES: [KeyState; 3] = [KeyState::Published, KeyState::Active, KeyState::Retired];

/// Records the number of keys by state, since when the active ones sign, and when they are to be rotated.
pub(super) fn record_metrics(keys: &[ScheduledKey], policy: &RotationPolicy) {
    for algorithm in in_use(keys) {
        let name = algorithm.name();
        let of = |state| {
            keys.iter()
                .filter(move |key| key.algorithm == algorithm && key.state == state)
        };
        for state in STATES {
            gauge!("vestibule_signing_keys", "algorithm" => name, "state" => state.name())
                .set(of(state).count() as f64);
        }
        if let Some(active) = of(KeyState::Active).next() {
            let next = of(KeyState::Published).next();
            let due = next.map_or(active.activates_at + policy.rotate, |next| next.activates_at);
            gauge!("vestibule_signing_key_active_since_timestamp_seconds", "algorithm" => name)
                .set(active.activates_at.as_secs() as f64);
            gauge!("vestibule_signing_key_rotation_timestamp_seconds", "algorithm" => name)
                .set(due.as_secs() as f64);
        }
    }
}

//! What the keys tell Prometheus.

use metrics::gauge;

use super::schedule::{Known, Rhythm, SIGNING, State};

const STATES: [State; 3] = [State::Published, State::Active, State::Retired];

/// Tells how many keys there are, since when the active ones sign, and when they are due.
pub(super) fn tell(keys: &[Known], rhythm: &Rhythm) {
    for algorithm in SIGNING {
        let name = algorithm.name();
        let of = |state| {
            keys.iter()
                .filter(move |key| key.algorithm == algorithm && key.state == state)
        };
        for state in STATES {
            gauge!("vestibule_signing_keys", "algorithm" => name, "state" => state.name())
                .set(of(state).count() as f64);
        }
        if let Some(active) = of(State::Active).next() {
            let next = of(State::Published).next();
            let due = next.map_or(active.activates_at + rhythm.rotate, |next| next.activates_at);
            gauge!("vestibule_signing_key_active_since_timestamp_seconds", "algorithm" => name)
                .set(active.activates_at.as_secs() as f64);
            gauge!("vestibule_signing_key_rotation_timestamp_seconds", "algorithm" => name)
                .set(due.as_secs() as f64);
        }
    }
}

//! Dead letters of the outbox: events that were given up, and their retention.

use std::time::Duration;

/// The shortest retention of dead letters, so that people can look at them.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(90 * 24 * 3600);

/// The retention of dead letters, in an installation that keeps published events for `retention`.
pub(crate) fn given_up_for(retention: Duration) -> Duration {
    retention.max(LOOKED_AT_WITHIN)
}

//! Dead letters of the outbox: events that were given up, and their retention.

use std::time::Duration;

/// What was given up is kept at least this long for people to look at.
const LOOKED_AT_WITHIN: Duration = Duration::from_secs(90 * 24 * 3600);

/// How long what was given up is kept, in an installation that keeps published events for `retention`.
pub(crate) fn given_up_for(retention: Duration) -> Duration {
    retention.max(LOOKED_AT_WITHIN)
}

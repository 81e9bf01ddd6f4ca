//! The retry schedule of failed deliveries.

use std::time::Duration;

use chassis::backoff::jittered;
use chassis::random::Random;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The pauses after the first failed attempt, after the second, and so on: ten attempts within a little more than
/// three days, as Standard Webhooks proposes.
const PAUSES: [u64; 9] = [
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// The longest that a receiver can put us off (`Retry-After`, RFC 9110 §10.2.3).
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(24 * HOUR);

/// The longest that a delivery waits for its next attempt, chance included.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(27 * HOUR);

/// The pause after so many failed attempts; nothing when it was the last one. Up to a tenth is added by
/// chance, so that what failed together does not come back together.
pub(super) fn pause(attempts: i32, random: &dyn Random) -> Option<Duration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    Some(jittered(Duration::from_secs(*PAUSES.get(index)?), random))
}

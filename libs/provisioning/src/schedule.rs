//! The schedules of retries: of a resource, and of a target that cannot be reached.

use std::time::Duration;

use chassis::backoff::jittered;
use chassis::random::Random;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The pauses after the first failed attempt, after the second, and so on.
const PAUSES: [u64; 9] = [
    2,
    15,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
];
/// The attempts of a push that the target refuses, which waiting seldom changes.
const REFUSED_ATTEMPTS: i32 = 4;
/// The longest that a target is left alone because it failed.
const LONGEST_REST: Duration = Duration::from_secs(5 * MINUTE);

/// The longest that anything waits, chance included.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(14 * HOUR);

/// The pause of a resource after so many failed attempts; nothing when it was the last one.
pub(crate) fn pause(attempts: i32, is_permanent: bool, random: &dyn Random) -> Option<Duration> {
    if is_permanent && attempts >= REFUSED_ATTEMPTS {
        return None;
    }
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    Some(jittered(Duration::from_secs(*PAUSES.get(index)?), random))
}

/// The pause of a target after so many failures in a row: 1 s, doubled each time, 5 minutes at most.
pub(crate) fn rest(failures: i32, random: &dyn Random) -> Duration {
    let exponent = u32::try_from(failures.clamp(0, 16)).unwrap_or_default();
    jittered(Duration::from_secs(1 << exponent).min(LONGEST_REST), random)
}

#[cfg(test)]
mod tests {
    use chassis::random::SystemRandom;

    use super::*;

    #[test]
    fn a_resource_is_given_up_after_ten_attempts_or_four_refusals() {
        let random = SystemRandom::default();
        let attempts = |is_permanent| {
            (1..)
                .take_while(|attempts| pause(*attempts, is_permanent, &random).is_some())
                .count()
        };
        assert_eq!((attempts(false), attempts(true)), (9, 3));
        assert!((1..=9).all(|attempts| pause(attempts, false, &random).unwrap() <= LONGEST_WAIT));
    }

    #[test]
    fn a_target_rests_for_five_minutes_at_most() {
        let random = SystemRandom::default();
        assert!(rest(0, &random) < Duration::from_secs(2));
        assert!(rest(30, &random) <= LONGEST_REST * 11 / 10);
    }
}

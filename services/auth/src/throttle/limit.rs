//! How a counter of failures limits further tries.

use std::time::Duration;

use chassis::clock::Timestamp;

use super::MAX_FAILURES;

/// Failures at an account or a device that cost no delay: typing errors.
const FREE_FAILURES: i64 = 4;

/// The longest delay for an account or a device.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// The longest delay for a source, behind which there may be many people.
pub(super) const MAX_SOURCE_DELAY: Duration = Duration::from_secs(60);

/// A source that did not fail for so long starts anew.
pub(super) const SOURCE_RESETS_AFTER: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a try has to wait after failures: nothing after `free` ones, then `first`, doubled with each further
/// failure, `longest` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(super) free_failures: i64,
    pub(super) first_delay: Duration,
    pub(super) max_delay: Duration,
    /// Failures at which no try is admitted any more.
    pub(super) max_failures: i64,
    /// A counter without a failure for so long starts anew.
    pub(super) resets_after: Option<Duration>,
}

impl Limit {
    /// Of an account for whoever has no device that it knows.
    pub(crate) const ACCOUNT: Self = Self {
        free_failures: FREE_FAILURES,
        first_delay: Duration::from_secs(1),
        max_delay: MAX_DELAY,
        max_failures: MAX_FAILURES,
        resets_after: None,
    };

    /// Of one known device.
    pub(crate) const DEVICE: Self = Self {
        max_failures: i64::MAX,
        ..Self::ACCOUNT
    };

    /// Of the known devices of an account together: no delay, since one must not slow down another, but an end.
    pub(crate) const DEVICES: Self = Self {
        free_failures: MAX_FAILURES,
        ..Self::ACCOUNT
    };

    /// Of one network at an account with [`MAX_FAILURES`].
    pub(crate) const DAILY: Self = Self {
        free_failures: 0,
        first_delay: DAY,
        max_delay: DAY,
        max_failures: i64::MAX,
        resets_after: None,
    };

    /// Of a source whose first `free` failures cost nothing.
    pub(crate) const fn source(free_failures: i64) -> Self {
        Self {
            free_failures,
            first_delay: Duration::from_secs(1),
            max_delay: MAX_SOURCE_DELAY,
            max_failures: i64::MAX,
            resets_after: Some(SOURCE_RESETS_AFTER),
        }
    }

    /// The delay after so many failures.
    pub(super) fn delay(self, failures: i64) -> Duration {
        let beyond = failures.saturating_sub(self.free_failures);
        if beyond <= 0 {
            return Duration::ZERO;
        }
        let doubled = u32::try_from(beyond - 1)
            .ok()
            .and_then(|times| 2_u32.checked_pow(times))
            .and_then(|factor| self.first_delay.checked_mul(factor));
        doubled.map_or(self.max_delay, |delay| delay.min(self.max_delay))
    }

    /// Failures from which on the delay is the longest.
    pub(super) fn failures_at_max_delay(self) -> i64 {
        let mut failures = self.free_failures.saturating_add(1);
        while self.delay(failures) < self.max_delay {
            failures = failures.saturating_add(1);
        }
        failures
    }

    /// How long a try has to wait from `now`. A stored time in the future, which a clock that went back leaves behind,
    /// counts as now.
    pub(crate) fn delay_left(self, tally: Option<Tally>, now: Timestamp) -> Option<Duration> {
        let tally = tally?;
        let last = tally.failed_at.max(tally.tried_at).min(now);
        if self
            .resets_after
            .is_some_and(|resets_after| now.since(last) >= resets_after)
        {
            return None;
        }
        let left = (last + self.delay(tally.failures)).since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Whether no try is admitted any more.
    pub(crate) fn is_exhausted(self, tally: Option<Tally>) -> bool {
        tally.is_some_and(|tally| tally.failures >= self.max_failures)
    }
}

/// Failures in a row, those included that are not judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) failures: i64,
    /// When one last turned out to be one.
    pub(crate) failed_at: Timestamp,
    /// When the last try was counted.
    pub(crate) tried_at: Timestamp,
}

impl Tally {
    /// Whether it was written by a clock that is ahead of `now`.
    pub(super) fn is_from_the_future(self, now: Timestamp) -> bool {
        self.failed_at > now || self.tried_at > now
    }
}

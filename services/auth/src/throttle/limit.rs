//! How a counter of failures limits further tries.

use std::time::Duration;

use chassis::clock::Timestamp;

use super::MOST_FAILURES;

/// Failures at an account or a device that cost no delay: typing errors.
const FREE: i64 = 4;

/// The longest delay for an account or a device.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The longest delay for a source, behind which there may be many people.
pub(super) const LONGEST_SOURCE: Duration = Duration::from_secs(60);

/// A source that did not fail for so long starts anew.
pub(super) const SOURCE_MEMORY: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a try has to wait after failures: nothing after `free` ones, then `first`, doubled with each further
/// failure, `longest` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(super) free: i64,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    /// Failures at which no try is admitted any more.
    pub(super) most: i64,
    /// A counter without a failure for so long starts anew.
    pub(super) memory: Option<Duration>,
}

impl Limit {
    /// Of an account for whoever has no device that it knows.
    pub(crate) const ACCOUNT: Self = Self {
        free: FREE,
        first: Duration::from_secs(1),
        longest: LONGEST,
        most: MOST_FAILURES,
        memory: None,
    };

    /// Of one known device.
    pub(crate) const DEVICE: Self = Self {
        most: i64::MAX,
        ..Self::ACCOUNT
    };

    /// Of the known devices of an account together: no delay, since one must not slow down another, but an end.
    pub(crate) const DEVICES: Self = Self {
        free: MOST_FAILURES,
        ..Self::ACCOUNT
    };

    /// Of one network at an account with [`MOST_FAILURES`].
    pub(crate) const DAILY: Self = Self {
        free: 0,
        first: DAY,
        longest: DAY,
        most: i64::MAX,
        memory: None,
    };

    /// Of a source whose first `free` failures cost nothing.
    pub(crate) const fn source(free: i64) -> Self {
        Self {
            free,
            first: Duration::from_secs(1),
            longest: LONGEST_SOURCE,
            most: i64::MAX,
            memory: Some(SOURCE_MEMORY),
        }
    }

    /// The delay after so many failures.
    pub(super) fn delay(self, failures: i64) -> Duration {
        let beyond = failures.saturating_sub(self.free);
        if beyond <= 0 {
            return Duration::ZERO;
        }
        let doubled = u32::try_from(beyond - 1)
            .ok()
            .and_then(|times| 2_u32.checked_pow(times))
            .and_then(|factor| self.first.checked_mul(factor));
        doubled.map_or(self.longest, |delay| delay.min(self.longest))
    }

    /// Failures from which on the delay is the longest.
    pub(super) fn full(self) -> i64 {
        let mut failures = self.free.saturating_add(1);
        while self.delay(failures) < self.longest {
            failures = failures.saturating_add(1);
        }
        failures
    }

    /// How long a try has to wait from `now`. A stored time in the future, which a clock that went back leaves behind,
    /// counts as now.
    pub(crate) fn wait(self, tally: Option<Tally>, now: Timestamp) -> Option<Duration> {
        let tally = tally?;
        let last = tally.failed_at.max(tally.tried_at).min(now);
        if self.memory.is_some_and(|memory| now.since(last) >= memory) {
            return None;
        }
        let left = (last + self.delay(tally.failures)).since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Whether no try is admitted any more.
    pub(crate) fn is_exhausted(self, tally: Option<Tally>) -> bool {
        tally.is_some_and(|tally| tally.failures >= self.most)
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

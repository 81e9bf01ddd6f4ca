//! The limits: how a failure counter delays further attempts.

use std::time::Duration;

use chassis::clock::Timestamp;

use super::MAX_FAILURES;

/// The number of failures at an account or a device without a delay, for typing errors.
const FREE_FAILURES: i64 = 4;

/// The maximum delay for an account or a device.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// The maximum delay for a source, which many people may share.
pub(super) const MAX_SOURCE_DELAY: Duration = Duration::from_secs(60);

/// The counter of a source is reset after so long without a failure.
pub(super) const SOURCE_RESETS_AFTER: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A limit: there is no delay after `free_failures`, then `first_delay`, doubled with each further failure,
/// up to `max_delay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(super) free_failures: i64,
    pub(super) first_delay: Duration,
    pub(super) max_delay: Duration,
    /// The number of failures from which on no attempt is admitted.
    pub(super) max_failures: i64,
    /// The counter is reset after so long without a failure.
    pub(super) resets_after: Option<Duration>,
}

impl Limit {
    /// The limit of an account for unknown devices.
    pub(crate) const ACCOUNT: Self = Self {
        free_failures: FREE_FAILURES,
        first_delay: Duration::from_secs(1),
        max_delay: MAX_DELAY,
        max_failures: MAX_FAILURES,
        resets_after: None,
    };

    /// The limit of one known device.
    pub(crate) const DEVICE: Self = Self {
        max_failures: i64::MAX,
        ..Self::ACCOUNT
    };

    /// The limit of all known devices of an account. It has no delay, so that one does not slow down another,
    /// but a maximum.
    pub(crate) const DEVICES: Self = Self {
        free_failures: MAX_FAILURES,
        ..Self::ACCOUNT
    };

    /// The limit of the user codes of devices that one person tries (RFC 8628 §5.1). It has no end, so that nobody is locked out.
    pub(crate) const USER_CODES: Self = Self {
        max_failures: i64::MAX,
        resets_after: Some(SOURCE_RESETS_AFTER),
        ..Self::ACCOUNT
    };

    /// The daily limit of one network at an account with [`MAX_FAILURES`].
    pub(crate) const DAILY: Self = Self {
        free_failures: 0,
        first_delay: DAY,
        max_delay: DAY,
        max_failures: i64::MAX,
        resets_after: None,
    };

    /// The limit of a source with `free_failures` without a delay.
    pub(crate) const fn source(free_failures: i64) -> Self {
        Self {
            free_failures,
            first_delay: Duration::from_secs(1),
            max_delay: MAX_SOURCE_DELAY,
            max_failures: i64::MAX,
            resets_after: Some(SOURCE_RESETS_AFTER),
        }
    }

    /// The delay after this number of failures.
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

    /// The number of failures from which on the delay is the maximum.
    pub(super) fn failures_at_max_delay(self) -> i64 {
        let mut failures = self.free_failures.saturating_add(1);
        while self.delay(failures) < self.max_delay {
            failures = failures.saturating_add(1);
        }
        failures
    }

    /// The delay that is left at `now`. A stored time in the future, from before the clock was set back,
    /// counts as `now`.
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

    /// True if no attempt is admitted any more.
    pub(crate) fn is_exhausted(self, tally: Option<Tally>) -> bool {
        tally.is_some_and(|tally| tally.failures >= self.max_failures)
    }
}

/// The failures in a row, including reserved guesses that are not settled yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) failures: i64,
    /// The time of the last failure.
    pub(crate) failed_at: Timestamp,
    /// The time of the last reservation.
    pub(crate) tried_at: Timestamp,
}

impl Tally {
    /// True if it was written by a clock ahead of `now`.
    pub(super) fn is_from_the_future(self, now: Timestamp) -> bool {
        self.failed_at > now || self.tried_at > now
    }
}

//! Failures in a row: how they are told, and how long to wait after each.

use std::error::Error;
use std::time::Duration;

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often in a row it could not be followed.
#[derive(Debug)]
pub(super) struct Failures {
    consumer: &'static str,
    /// What is followed.
    what: &'static str,
    /// How many in a row are worth a warning.
    serious: u32,
    count: u32,
}

impl Failures {
    pub(super) fn of(consumer: &'static str, what: &'static str, serious: u32) -> Self {
        Self {
            consumer,
            what,
            serious,
            count: 0,
        }
    }

    /// It goes on.
    pub(super) fn forget(&mut self) {
        self.count = 0;
    }

    /// Counts one more and tells of it; answers the pause to make now. No `async`, so that the future that calls it
    /// stays `Send`.
    pub(super) fn add(&mut self, error: &(dyn Error + 'static)) -> Duration {
        let Self { consumer, what, .. } = *self;
        self.count = self.count.saturating_add(1);
        // Said when it begins and then now and then: what is away for an hour is no news 1800 times.
        if self.count == self.serious || self.count.is_multiple_of(300) {
            tracing::warn!(consumer, error, "{what} cannot be followed; it is tried again");
        } else {
            tracing::debug!(
                consumer,
                error,
                failures = self.count,
                "{what} cannot be followed"
            );
        }
        metrics::counter!("vestibule_consumer_failures_total", "consumer" => consumer).increment(1);
        let pause = Duration::from_millis(50) * 2_u32.pow(self.count.min(8));
        pause.min(LONGEST_PAUSE)
    }
}

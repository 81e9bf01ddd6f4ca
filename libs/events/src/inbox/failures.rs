//! Failures in a row of a consumer: their log line, their counter, and the pause after each.

use std::error::Error;
use std::time::Duration;

use chassis::backoff::Backoff;

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The failures of one consumer, with the metric that counts them beside the log lines.
#[derive(Debug)]
pub(super) struct FollowingFailures {
    consumer: &'static str,
    failures: Backoff,
}

impl FollowingFailures {
    /// Of `consumer`; `what` is the line, `tolerated` how many in a row are no news.
    pub(super) fn new(consumer: &'static str, what: &'static str, tolerated: u32) -> Self {
        let failures = Backoff::new(what)
            .of_consumer(consumer)
            .tolerating(tolerated)
            .with_pauses(FIRST_PAUSE, LONGEST_PAUSE);
        Self { consumer, failures }
    }

    /// It goes on.
    pub(super) fn succeeded(&mut self) {
        self.failures.succeeded();
    }

    /// Counts one more and tells of it; answers the pause to make now. No `async`, so that the future that calls it
    /// stays `Send`.
    pub(super) fn failed(&mut self, error: &(dyn Error + 'static)) -> Duration {
        metrics::counter!("vestibule_consumer_failures_total", "consumer" => self.consumer).increment(1);
        self.failures.failed(error)
    }
}

//! Exponential backoff of background tasks: a growing pause after each consecutive failure, with one log line when
//! failures begin and one when they end.
//!
//! The crate `backon` retries one call until its attempts are used up. The tasks here never give up, an outage is told once
//! however many calls fail in it, and some pauses follow from attempts that a row of the database counts.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use tokio::time::Instant;

use crate::random::Random;

/// The default first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The default longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The backoff of one background task. Every loop that retries has one: an outage of an hour is two lines in the log, and
/// no loop spins.
#[derive(Debug)]
pub struct Backoff {
    what: Cow<'static, str>,
    consumer: Option<&'static str>,
    first: Duration,
    longest: Duration,
    tolerated: u32,
    count: u32,
    since: Option<Instant>,
    logged: bool,
}

impl Backoff {
    /// A backoff without a failure. `what` becomes the log line, a whole sentence without its full stop: `the relay cannot
    /// use the database`.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            consumer: None,
            first: FIRST_PAUSE,
            longest: LONGEST_PAUSE,
            tolerated: 0,
            count: 0,
            since: None,
            logged: false,
        }
    }

    /// Adds the name of the event consumer to every line.
    #[must_use]
    pub fn of_consumer(mut self, consumer: &'static str) -> Self {
        self.consumer = Some(consumer);
        self
    }

    /// Sets the pause after the first failure. It doubles after each further one, up to `longest`.
    #[must_use]
    pub fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Logs nothing before there are more consecutive failures than this, for example while services start together.
    #[must_use]
    pub fn tolerating(mut self, failures: u32) -> Self {
        self.tolerate(failures);
        self
    }

    /// See [`Backoff::tolerating`].
    pub fn tolerate(&mut self, failures: u32) {
        self.tolerated = failures;
    }

    /// Records a failure and returns the pause before the next attempt. It is not `async`, so the error need not be `Send`.
    pub fn failed(&mut self, error: &(dyn Error + 'static)) -> Duration {
        let pause = self.pause();
        self.count = self.count.saturating_add(1);
        self.since.get_or_insert_with(Instant::now);
        let Self { what, consumer, .. } = &*self;
        if !self.logged && self.count > self.tolerated {
            tracing::warn!(consumer, error, "{what}: retrying");
            self.logged = true;
        } else {
            tracing::debug!(consumer, error, "{what} ({} times in a row)", self.count);
        }
        pause
    }

    /// Records a success.
    pub fn succeeded(&mut self) {
        if self.logged {
            let lasted = self.since.map_or(Duration::ZERO, |since| since.elapsed());
            tracing::info!(
                consumer = self.consumer,
                "recovered after {} failures in {} s: {}",
                self.count,
                lasted.as_secs(),
                self.what
            );
        }
        self.count = 0;
        self.since = None;
        self.logged = false;
    }

    /// True if the last attempt failed.
    pub const fn is_failing(&self) -> bool {
        self.count > 0
    }

    fn pause(&self) -> Duration {
        exponential_pause(self.first, self.longest, self.count)
    }
}

/// The pause before the next attempt after `earlier` pauses: `first`, doubled each time, up to `longest`.
pub fn exponential_pause(first: Duration, longest: Duration, earlier: u32) -> Duration {
    let factor = 1_u32.checked_shl(earlier).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// A pause with up to a tenth more, by chance, so that what failed together does not come back together.
pub fn jittered(pause: Duration, random: &dyn Random) -> Duration {
    let mut byte = [0];
    random.fill(&mut byte);
    let [chance] = byte;
    pause + pause * u32::from(chance) / 2560
}

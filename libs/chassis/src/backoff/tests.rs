//! Tests of the backoff.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// The levels of all lines that were written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<tracing::Level>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0.lock().unwrap().push(*event.metadata().level());
    }
}

impl Lines {
    fn of(&self, level: tracing::Level) -> usize {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| **line == level).count()
    }
}

fn away() -> io::Error {
    io::Error::other("the server is away")
}

#[test]
fn an_outage_of_an_hour_is_one_line_when_it_begins_and_one_when_it_ends() {
    let lines = Lines::default();
    let _guard = testkit::capture_log(tracing_subscriber::registry().with(lines.clone()));
    let mut failures = Backoff::new("the task cannot work");
    let (mut tries, mut waited) = (0, Duration::ZERO);
    while waited < Duration::from_secs(3600) {
        tries += 1;
        waited += failures.failed(&away());
        assert!(failures.is_failing());
    }
    failures.succeeded();
    failures.succeeded();
    assert!(!failures.is_failing());
    assert_eq!(
        (lines.of(tracing::Level::WARN), lines.of(tracing::Level::INFO)),
        (1, 1)
    );
    assert!((3600 / 5..3600 / 5 + 10).contains(&tries), "{tries} tries");
}

#[test]
fn pauses_grow_from_the_first_to_the_longest_and_begin_again_after_a_success() {
    let first = Duration::from_millis(100);
    let mut failures = Backoff::new("the task cannot work").with_pauses(first, first * 5);
    let pauses = [(); 4].map(|()| failures.failed(&away()));
    assert_eq!(pauses, [first, first * 2, first * 4, first * 5]);
    failures.succeeded();
    assert_eq!(failures.failed(&away()), first);
    failures.count = u32::MAX;
    assert_eq!(failures.failed(&away()), first * 5);
}

#[test]
fn failures_that_are_ordinary_at_first_are_not_said() {
    let lines = Lines::default();
    let _guard = testkit::capture_log(tracing_subscriber::registry().with(lines.clone()));
    let mut failures = Backoff::new("the task cannot work").tolerating(2);
    failures.failed(&away());
    failures.failed(&away());
    failures.succeeded();
    assert_eq!(
        (lines.of(tracing::Level::WARN), lines.of(tracing::Level::INFO)),
        (0, 0)
    );
    for _ in 0..9 {
        failures.failed(&away());
    }
    failures.succeeded();
    assert_eq!(
        (lines.of(tracing::Level::WARN), lines.of(tracing::Level::INFO)),
        (1, 1)
    );
}

#[test]
fn a_pause_doubles_up_to_the_longest() {
    let seconds =
        |earlier| exponential_pause(Duration::from_secs(2), Duration::from_secs(60), earlier).as_secs();
    assert_eq!(
        [0, 1, 2, 4, 5, 31, 32, u32::MAX].map(seconds),
        [2, 4, 8, 32, 60, 60, 60, 60]
    );
}

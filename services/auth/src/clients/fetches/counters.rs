//! Numbers of events in a window of time, each counted by a key, such as the fetches of a host in a minute.

use std::collections::HashMap;
use std::time::Duration;

use chassis::clock::Timestamp;

/// The time in which events are counted.
pub(in crate::clients) const WINDOW: Duration = Duration::from_secs(60);
/// The most keys that are counted at a time.
pub(in crate::clients) const MAX_KEYS: usize = 10_000;

/// Numbers of events, each in a window that begins with its first event.
#[derive(Debug, Default)]
pub(in crate::clients) struct Counters(HashMap<String, Counter>);

#[derive(Debug)]
struct Counter {
    began_at: Timestamp,
    count: u32,
}

impl Counter {
    fn begin(now: Timestamp) -> Self {
        Self {
            began_at: now,
            count: 0,
        }
    }

    fn is_current(&self, now: Timestamp) -> bool {
        is_younger(WINDOW, self.began_at, now)
    }
}

impl Counters {
    /// Counts an event of `key`. Returns false if there were `limit` in this window already, or if too many keys are counted.
    pub(in crate::clients) fn claim(&mut self, key: &str, limit: u32, now: Timestamp) -> bool {
        let Some(counter) = self.counter(key, now) else {
            return false;
        };
        if !counter.is_current(now) {
            *counter = Counter::begin(now);
        }
        let is_free = counter.count < limit;
        counter.count = counter.count.saturating_add(1);
        is_free
    }

    /// Counts an event of `key`. The first one of a window returns the number of events since the last that did.
    pub(in crate::clients) fn count(&mut self, key: &str, now: Timestamp) -> Option<u32> {
        let is_new = !self.0.contains_key(key);
        let counter = self.counter(key, now)?;
        counter.count = counter.count.saturating_add(1);
        if counter.is_current(now) && !is_new {
            return None;
        }
        let count = counter.count;
        *counter = Counter::begin(now);
        Some(count)
    }

    /// The counter of `key`. If there are too many, those whose window is over go; `None` if none is.
    fn counter(&mut self, key: &str, now: Timestamp) -> Option<&mut Counter> {
        if !self.0.contains_key(key) {
            if self.0.len() >= MAX_KEYS {
                self.0.retain(|_, counter| counter.is_current(now));
            }
            if self.0.len() >= MAX_KEYS {
                return None;
            }
            self.0.insert(key.to_owned(), Counter::begin(now));
        }
        self.0.get_mut(key)
    }
}

/// True if `at` is less than `than` ago. A time in the future was written by a clock that has been set back since.
pub(super) fn is_younger(than: Duration, at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.since(at) < than
}

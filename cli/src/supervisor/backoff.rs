//! Exponential backoff between restarts of a service.

use std::time::Duration;

use chassis::backoff::exponential_pause;

/// A service that ran this long has recovered: the next exit starts at the initial delay.
const RECOVERY_TIME: Duration = Duration::from_secs(10);

/// A delay that doubles with each exit, up to a maximum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    initial: Duration,
    max: Duration,
    /// Exits in a row without a recovery.
    pub(super) exits: u32,
}

impl Backoff {
    pub(super) fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            exits: 0,
        }
    }

    /// The delay before the restart of a service that ran for `uptime`.
    pub(super) fn next_delay(&mut self, uptime: Duration) -> Duration {
        if uptime >= RECOVERY_TIME {
            self.exits = 0;
        }
        let wait = exponential_pause(self.initial, self.max, self.exits);
        self.exits = self.exits.saturating_add(1);
        wait
    }
}

//! How long to wait before a service that died is started again.

use std::time::Duration;

/// A service that lived this long has recovered: the next death begins anew.
const RECOVERY_TIME: Duration = Duration::from_secs(10);

/// Doubles from death to death, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    initial: Duration,
    max: Duration,
    next: Duration,
    /// Deaths in a row without a recovery.
    pub(super) exits: u32,
}

impl Backoff {
    pub(super) fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            next: initial,
            exits: 0,
        }
    }

    /// The wait after a service ended that had lived `lived`.
    pub(super) fn next_delay(&mut self, uptime: Duration) -> Duration {
        if uptime >= RECOVERY_TIME {
            self.next = self.initial;
            self.exits = 0;
        }
        let wait = self.next;
        self.next = self.next.saturating_mul(2).min(self.max);
        self.exits = self.exits.saturating_add(1);
        wait
    }
}

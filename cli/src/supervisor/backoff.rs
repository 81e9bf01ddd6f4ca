//! How long to wait before a service that died is started again.

use std::time::Duration;

/// A service that lived this long has recovered: the next death begins anew.
const RECOVERED: Duration = Duration::from_secs(10);

/// Doubles from death to death, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
    /// Deaths in a row without a recovery.
    pub(super) deaths: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first,
            deaths: 0,
        }
    }

    /// The wait after a service ended that had lived `lived`.
    pub(super) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= RECOVERED {
            self.next = self.first;
            self.deaths = 0;
        }
        let wait = self.next;
        self.next = self.next.saturating_mul(2).min(self.most);
        self.deaths = self.deaths.saturating_add(1);
        wait
    }
}

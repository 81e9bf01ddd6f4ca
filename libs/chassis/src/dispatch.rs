//! Parts of dispatchers, which call the addresses of others for a service with several replicas: webhooks and provisioning.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::{SKEW, Timestamp};

/// The interval of the checks for times that a clock that was ahead has written.
const CLOCK_INTERVAL: Duration = Duration::from_secs(60);

/// The watch over the clock of a dispatcher: it says when due times are to be checked, so that nothing waits for a moment that the
/// clock named while it was ahead.
#[derive(Debug)]
pub struct ClockWatch {
    /// The latest moment that the clock has shown.
    latest: Option<Timestamp>,
    due: Instant,
}

impl Default for ClockWatch {
    fn default() -> Self {
        Self {
            latest: None,
            due: Instant::now(),
        }
    }
}

impl ClockWatch {
    /// True if due times are to be checked at `now`: at the start, when the clock has gone back, and every minute.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let went_back = self.latest.is_some_and(|latest| now + SKEW < latest);
        if self.due > Instant::now() && !went_back {
            self.latest = self.latest.max(Some(now));
            return false;
        }
        true
    }

    /// Notes that due times were checked at `now`.
    pub fn checked(&mut self, now: Timestamp) {
        self.due = Instant::now() + CLOCK_INTERVAL;
        self.latest = Some(now);
    }
}

/// The shares of receivers in the calls that may be under way at a time: a slow one fills its own share and no more.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    overall: usize,
    each: usize,
}

impl Shares {
    /// The shares of so many receivers in `overall` calls, each of `each` calls at most, and of one at least.
    pub fn new(overall: usize, each: usize, receivers: usize) -> Self {
        let each = each.min(overall.checked_div(receivers).unwrap_or(overall)).max(1);
        Self { overall, each }
    }

    /// The calls that may be started to a receiver with `busy` calls under way, of `all` that are.
    pub fn room(self, busy: usize, all: usize) -> usize {
        self.each
            .saturating_sub(busy)
            .min(self.overall.saturating_sub(all))
    }
}

/// Brings receivers, in the order of their ids, into the order in which they are served: the one that was `served` last waits for
/// the others.
pub fn begin_after(receivers: &mut [Uuid], served: Uuid) {
    let last = receivers.partition_point(|receiver| *receiver <= served);
    receivers.rotate_left(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_checked_at_the_start_after_a_minute_and_when_the_clock_goes_back() {
        let now = Timestamp::from_secs(10_000);
        let mut watch = ClockWatch::default();
        assert!(watch.is_due(now));
        watch.checked(now);
        assert!(!watch.is_due(now + Duration::from_secs(30)));
        assert!(
            !watch.is_due(now - Duration::from_secs(20)),
            "within the tolerated skew"
        );
        assert!(watch.is_due(now - Duration::from_secs(40)));
        watch.checked(now);
        watch.due -= CLOCK_INTERVAL;
        assert!(watch.is_due(now));
    }

    #[test]
    fn a_receiver_has_its_share_and_one_call_at_least() {
        let shares = Shares::new(32, 8, 2);
        assert_eq!(
            (
                shares.room(0, 0),
                shares.room(7, 20),
                shares.room(8, 20),
                shares.room(0, 30)
            ),
            (8, 1, 0, 2)
        );
        assert_eq!(Shares::new(4, 8, 100).room(0, 0), 1);
        assert_eq!(Shares::new(4, 8, 0).room(0, 0), 4);
    }

    #[test]
    fn who_was_served_last_waits_for_the_others() {
        let ids = [1, 2, 3].map(Uuid::from_u128);
        let order = |served: u128| {
            let mut order = ids;
            begin_after(&mut order, Uuid::from_u128(served));
            order.map(|id| id.as_u128())
        };
        assert_eq!(
            (order(0), order(2), order(3), order(9)),
            ([1, 2, 3], [3, 1, 2], [1, 2, 3], [1, 2, 3])
        );
    }
}

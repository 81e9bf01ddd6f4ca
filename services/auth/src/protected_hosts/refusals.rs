//! Questions of proxies that are refused, in the log: most of them come of a configuration with a mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chassis::clock::Timestamp;

/// The time between two lines of one kind.
const INTERVAL: Duration = Duration::from_secs(60);

/// The reason why a question is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The sender is not a trusted proxy.
    Sender,
    /// The headers describe no request.
    Request,
    /// The host is not registered.
    Host,
    /// The path cannot be compared with the restricted paths of the host.
    Path,
}

/// The times of the last lines.
#[derive(Clone, Debug, Default)]
pub(super) struct RefusalLog(Arc<Times>);

#[derive(Debug, Default)]
struct Times {
    sender: AtomicI64,
    request: AtomicI64,
    host: AtomicI64,
    path: AtomicI64,
}

impl RefusalLog {
    pub(super) fn record(&self, refusal: Refusal, detail: &str, now: Timestamp) {
        let last = match refusal {
            Refusal::Sender => &self.0.sender,
            Refusal::Request => &self.0.request,
            Refusal::Host => &self.0.host,
            Refusal::Path => &self.0.path,
        };
        let before = last.load(Ordering::Relaxed);
        if now.distance(Timestamp::from_micros(before)) < INTERVAL {
            return;
        }
        let taken = last.compare_exchange(before, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_ok() {
            tracing::warn!(
                event.action = "forward-auth-refused",
                event.outcome = "failure",
                event.reason = detail,
                "forward-auth request refused; further ones of this kind are counted and not logged for a minute"
            );
        }
    }
}

//! A subscriber of one test, which gets every line of its thread whatever other tests do meanwhile.

use tracing::subscriber::{DefaultGuard, NoSubscriber, Subscriber};
use tracing::{Dispatch, subscriber};

/// The time during which a subscriber gets the lines of the thread. See [`capture_log`].
#[must_use]
pub struct LogCapture {
    _default: DefaultGuard,
    _second: Dispatch,
}

/// Gives the lines of this thread to `subscriber`, until the result is dropped.
///
/// While one subscriber alone is there, `tracing` asks the thread that comes first to a line whether anybody wants it, and
/// keeps the answer for all threads: another test, on a thread without a subscriber, would turn the line off. With a second
/// one it asks all of them.
pub fn capture_log(subscriber: impl Subscriber + Send + Sync + 'static) -> LogCapture {
    LogCapture {
        _second: Dispatch::new(NoSubscriber::new()),
        _default: subscriber::set_default(subscriber),
    }
}

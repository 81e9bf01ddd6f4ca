//! Publishing: the trait of a broker's client for the relay, and its errors.

use std::future::Future;
use std::time::Duration;

use contract::Envelope;

/// For how long a relay keeps its partitions while the transport takes its time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A transport, which publishes events. One implementation per kind of broker; [`crate::feed::FeedTransport`]
/// for none.
pub trait Transport: Send + Sync + 'static {
    /// For logs and metrics: `feed`, `kafka` …
    fn name(&self) -> &'static str;

    /// For traces: what the events are sent to, as the other side calls it.
    fn destination(&self) -> String {
        "events".to_owned()
    }

    /// Delivers events in the order given and answers one result for each, in that order, once the other side has
    /// confirmed. When an event fails, later ones **of the same `partitionkey`** must not be sent: they fail too.
    ///
    /// May be called again with events that were delivered before: delivery is at least once.
    fn publish(&self, events: &[Envelope]) -> impl Future<Output = Vec<Result<(), PublishError>>> + Send;
}

/// The reason why an event was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// This event was refused; others may pass. After [`crate::RelayOptions::max_attempts`] it becomes a dead letter.
    #[error("refused: {0}")]
    Refused(String),
    /// Nothing can be delivered now: tried again for ever, and not counted against the event.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It was not tried, because the call had taken its time. It comes again at once.
    #[error("not sent yet")]
    Unsent,
}

//! Subscriptions: the trait of a broker's client for a consumer, and its messages.

use std::future::Future;
use std::time::Duration;

use contract::Envelope;

/// The reason why a broker gives nothing now. The consumer connects again, with pauses.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The broker is away, or has ended the connection.
    #[error("the broker cannot be reached: {0}")]
    Away(String),
    /// Topics, exchanges or queues are not as they have to be, and may not be made here.
    #[error("the broker is not set up: {0}")]
    Topology(String),
    /// Messages that this consumer has not read are gone, or may be: it begins anew.
    #[error("messages may be gone that were not read: {0}")]
    Missed(String),
}

/// A message as it came.
#[derive(Debug)]
pub enum Message {
    /// An event.
    Event(Box<Envelope>),
    /// Something else, which is kept for people to look at: nothing is lost.
    Unreadable(UnreadableMessage),
}

/// A message that is not an event of ours.
#[derive(Debug)]
pub struct UnreadableMessage {
    /// The place at which it was, so that it is kept once: topic, partition and offset, say.
    pub place: String,
    /// The error in it.
    pub error: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// A place in a broker from which one consumer's messages come, in order for each aggregate.
pub trait Subscription: Send {
    /// Up to `limit` messages, in order; waits for the first for at most `wait`. None: there was no news.
    fn next(
        &mut self,
        limit: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, SubscriptionError>> + Send;

    /// Tells the broker that the effects of all messages given so far are committed.
    fn settle(&mut self) -> impl Future<Output = Result<(), SubscriptionError>> + Send;

    /// The number of messages that wait behind what was given, as far as is known without asking.
    fn lag(&self) -> Option<u64>;
}

/// A broker to subscribe at.
pub trait Broker: Send + Sync + 'static {
    /// The subscription that it gives.
    type Subscription: Subscription;

    /// `kafka`, `rabbitmq`.
    fn name(&self) -> &'static str;

    /// For traces: what the messages were sent to.
    fn destination(&self) -> String {
        "events".to_owned()
    }

    /// The broker, and the place in it: a consumer that comes to another one has read nothing there.
    fn place(&self) -> String;

    /// Connects, sees to the topology, and takes the place of this consumer.
    ///
    /// `begun` says that it has read the snapshot for this place before, and goes on. When something is missing then,
    /// the answer is [`SubscriptionError::Missed`], and **nothing is declared**: what is missing is the only sign that
    /// messages are gone, so the consumer writes down first that it begins anew. When not, the consumer reads the
    /// snapshot between this and the first [`Subscription::next`], and nothing may be lost meanwhile.
    fn subscribe(
        &self,
        begun: bool,
    ) -> impl Future<Output = Result<Self::Subscription, SubscriptionError>> + Send;
}

//! Consuming: the queue of one service, by one replica at a time.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::protocol::AMQPSoftError;
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::time::Instant;

use super::config::RabbitmqConfig;
use super::connection::{Session, lost, refusal};
use super::message;
use super::topology::{Topology, waiting};
use events::transport::{Broker, Message, Subscription, SubscriptionError};

/// Messages that the broker sends ahead: two batches, so that one is here when the other is applied.
const PREFETCH: u16 = 1000;
/// The interval at which the broker is asked for the number of waiting messages.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// RabbitMQ, for one consumer.
#[derive(Debug)]
pub(crate) struct RabbitmqBroker {
    config: RabbitmqConfig,
    topology: Topology,
    consumer: &'static str,
}

impl RabbitmqBroker {
    /// For `consumer`, whose queue is `NAMESPACE.CONSUMER`. Nothing is connected yet.
    pub(crate) fn new(config: &RabbitmqConfig, namespace: &str, consumer: &'static str) -> Self {
        Self {
            config: config.clone(),
            topology: Topology::new(namespace, config.declare),
            consumer,
        }
    }
}

impl Broker for RabbitmqBroker {
    type Subscription = RabbitmqSubscription;

    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn destination(&self) -> String {
        self.topology.exchange()
    }

    fn place(&self) -> String {
        format!(
            "{} {}",
            self.config.url.place_within(),
            self.topology.queue(self.consumer)
        )
    }

    async fn subscribe(&self, begun: bool) -> Result<RabbitmqSubscription, SubscriptionError> {
        let name = format!("vestibule {} consumer", self.consumer);
        let session = Session::open(&self.config, name).await?;
        let queue = self.topology.queue(self.consumer);
        let existed = self.topology.has_queue(&session, &queue, begun).await?;
        if !existed {
            if begun {
                return Err(gone(&queue));
            }
            self.topology.for_consumer(&session, self.consumer).await?;
        }
        let channel = session.channel().await?;
        let consumer = consume(&channel, &queue).await.map_err(|error| lost(&error))?;
        if existed {
            // Bindings may be missing. Not before this: who reads a queue is told when it is deleted, and a declaration
            // would make another one in its place.
            self.topology.for_consumer(&session, self.consumer).await?;
        }
        Ok(RabbitmqSubscription {
            consumer: Some(consumer),
            channel,
            session,
            queue,
            given: Given::default(),
            lag: None,
            asked: None,
        })
    }
}

fn gone(queue: &str) -> SubscriptionError {
    SubscriptionError::Missed(format!(
        "the queue {queue} is not there, was deleted, or its node went away"
    ))
}

async fn consume(channel: &Channel, queue: &str) -> Result<Consumer, lapin::Error> {
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    channel
        .basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
}

/// The messages that were given and not settled yet, by delivery tag.
#[derive(Debug, Default)]
struct Given {
    last_event: Option<u64>,
    unreadable: Vec<u64>,
}

/// A place in a queue. Dropping it gives the place to another replica at once.
#[derive(Debug)]
pub(crate) struct RabbitmqSubscription {
    /// There until it is dropped.
    consumer: Option<Consumer>,
    channel: Channel,
    session: Session,
    queue: String,
    given: Given,
    lag: Option<u64>,
    asked: Option<Instant>,
}

impl RabbitmqSubscription {
    /// Sorts out what the stream of deliveries said.
    fn receive(
        &mut self,
        said: Option<Result<Delivery, lapin::Error>>,
    ) -> Result<Message, SubscriptionError> {
        match said {
            Some(Ok(delivery)) => {
                let message = message::open(&self.queue, &delivery);
                match message {
                    Message::Event(_) => self.given.last_event = Some(delivery.delivery_tag),
                    Message::Unreadable(_) => self.given.unreadable.push(delivery.delivery_tag),
                }
                Ok(message)
            }
            Some(Err(error)) => Err(lost(&error)),
            None => Err(gone(&self.queue)),
        }
    }

    async fn delivery(&mut self) -> Option<Result<Delivery, lapin::Error>> {
        self.consumer.as_mut()?.next().await
    }

    async fn ask(&mut self) -> Result<(), SubscriptionError> {
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
            return Ok(());
        }
        self.asked = Some(Instant::now());
        match waiting(&self.channel, &self.queue).await {
            Ok(count) => {
                self.lag = Some(count.into());
                Ok(())
            }
            Err(error) if refusal(&error) == Some(AMQPSoftError::NOTFOUND) => Err(gone(&self.queue)),
            Err(error) => Err(lost(&error)),
        }
    }
}

impl Drop for RabbitmqSubscription {
    fn drop(&mut self) {
        // A consumer that is dropped is cancelled, and the next one would be given newer messages before those that
        // this one has not settled. A connection that ends gives these back first.
        self.session.close(self.consumer.take());
    }
}

impl Subscription for RabbitmqSubscription {
    async fn next(&mut self, limit: usize, wait: Duration) -> Result<Vec<Message>, SubscriptionError> {
        self.ask().await?;
        let Ok(first) = tokio::time::timeout(wait, self.delivery()).await else {
            return Ok(Vec::new());
        };
        let mut messages = vec![self.receive(first)?];
        while messages.len() < limit {
            let Some(said) = self.delivery().now_or_never() else {
                break;
            };
            messages.push(self.receive(said)?);
        }
        Ok(messages)
    }

    async fn settle(&mut self) -> Result<(), SubscriptionError> {
        let given = std::mem::take(&mut self.given);
        let reject = BasicRejectOptions { requeue: false };
        for tag in given.unreadable {
            self.channel
                .basic_reject(tag, reject)
                .await
                .map_err(|error| lost(&error))?;
        }
        if let Some(tag) = given.last_event {
            // Those that were rejected are no longer open, so this means the events alone.
            self.channel
                .basic_ack(tag, BasicAckOptions { multiple: true })
                .await
                .map_err(|error| lost(&error))?;
        }
        Ok(())
    }

    fn lag(&self) -> Option<u64> {
        self.lag
    }
}

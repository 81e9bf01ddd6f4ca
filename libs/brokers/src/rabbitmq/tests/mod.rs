//! Against the broker itself: `VESTIBULE_TEST_RABBITMQ`, or a node of the test's own. Each test has a namespace of its
//! own. What all transports have in common is proved by the contract suite.

mod config;
mod delivery;
mod faults;
mod tls;
mod topology;

use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ExchangeKind};
use testkit::brokers;
use uuid::Uuid;

use super::connection::Session;
use super::subscription::RabbitmqSubscription;
use super::*;
use contract::Envelope;
use events::testing::{event, new_id};
use events::transport::{Broker, Message, Subscription, SubscriptionError};
use events::transport::{PublishError, Transport};

const LIMIT: usize = 100;
/// Within this a message is here, when it comes at all.
const SOON: Duration = Duration::from_secs(10);
/// Nothing comes within this, when nothing does.
const SHORTLY: Duration = Duration::from_millis(300);

/// An installation of its own on some broker.
struct TestNamespace {
    config: RabbitmqConfig,
    namespace: String,
}

impl TestNamespace {
    fn shared() -> Self {
        Self::at(&brokers::rabbitmq())
    }

    fn at(url: &str) -> Self {
        Self {
            config: RabbitmqConfig::new(url.parse().unwrap()),
            namespace: brokers::namespace(),
        }
    }

    fn undeclared(mut self) -> Self {
        self.config.declare = false;
        self
    }

    /// One whose consumer was there before.
    async fn known(self) -> Self {
        drop(subscribe(&self.broker()).await);
        self
    }

    /// The publisher of `auth`.
    fn transport(&self) -> RabbitmqTransport {
        RabbitmqTransport::new(&self.config, &self.namespace, "auth")
    }

    /// The consumer of `users`.
    fn broker(&self) -> RabbitmqBroker {
        RabbitmqBroker::new(&self.config, &self.namespace, "users")
    }

    fn queue(&self) -> String {
        format!("{}.users", self.namespace)
    }

    fn exchange(&self) -> String {
        format!("{}.events", self.namespace)
    }

    /// A channel beside those of the code under test.
    async fn admin(&self) -> Admin {
        let session = Session::open(&self.config, "test".to_owned()).await.unwrap();
        let channel = session.channel().await.unwrap();
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        Admin {
            channel,
            _session: session,
        }
    }
}

struct Admin {
    channel: Channel,
    _session: Session,
}

impl Admin {
    /// Messages that wait in a queue.
    async fn count(&self, queue: &str) -> u32 {
        super::topology::waiting(&self.channel, queue).await.unwrap()
    }

    async fn delete_queue(&self, queue: &str) {
        self.channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await
            .unwrap();
    }

    async fn declare_exchange(&self, name: &str) {
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        self.channel
            .exchange_declare(name.into(), ExchangeKind::Topic, durable, FieldTable::default())
            .await
            .unwrap();
    }

    async fn declare_queue(&self, name: &str, kind: &str) {
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        self.channel
            .queue_declare(name.into(), durable, arguments)
            .await
            .unwrap();
    }

    async fn bind(&self, queue: &str, exchange: &str, pattern: &str) {
        let options = QueueBindOptions::default();
        self.channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                pattern.into(),
                options,
                FieldTable::default(),
            )
            .await
            .unwrap();
    }

    /// A message that is not an event of ours.
    async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        let sent = self.channel.basic_publish(
            exchange.into(),
            key.into(),
            BasicPublishOptions::default(),
            body,
            BasicProperties::default(),
        );
        sent.await.unwrap().await.unwrap();
    }
}

/// Events of so many aggregates, the first of each.
fn events(count: usize) -> Vec<Envelope> {
    (0..count).map(|_| event(new_id(), 1)).collect()
}

fn ids(events: &[Envelope]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

async fn deliver(transport: &RabbitmqTransport, events: &[Envelope]) {
    let results = transport.publish(events).await;
    assert_eq!(results, vec![Ok(()); events.len()]);
}

async fn subscribe(broker: &RabbitmqBroker) -> RabbitmqSubscription {
    broker.subscribe(false).await.unwrap()
}

/// The next so many messages.
async fn messages(subscription: &mut RabbitmqSubscription, count: usize) -> Vec<Message> {
    let mut got = Vec::new();
    while got.len() < count {
        let more = subscription.next(LIMIT, SOON).await.unwrap();
        assert!(!more.is_empty(), "only {} of {count} came", got.len());
        got.extend(more);
    }
    got
}

/// [`messages`] as ids of events; what is unreadable as none.
async fn next(subscription: &mut RabbitmqSubscription, count: usize) -> Vec<Option<Uuid>> {
    let got = messages(subscription, count).await;
    got.into_iter()
        .map(|message| match message {
            Message::Event(event) => Some(event.id),
            Message::Unreadable(_) => None,
        })
        .collect()
}

fn some(ids: &[Uuid]) -> Vec<Option<Uuid>> {
    ids.iter().copied().map(Some).collect()
}

/// That every event waits, and what is said about it.
fn unavailable(results: Vec<Result<(), PublishError>>) -> String {
    let mut reasons = results.into_iter().map(|result| match result {
        Err(PublishError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    });
    let first = reasons.next().unwrap();
    assert!(reasons.all(|reason| reason == first));
    first
}

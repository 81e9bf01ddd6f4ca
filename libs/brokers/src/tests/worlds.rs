//! The transports as the tests see them.

use std::future::Future;

use chassis::shutdown::Shutdown;
use events::feed::{FeedSource, FeedTransport};
use events::transport::Broker;
use events::transport::Transport;
use events::{Consumer, Handler, Inbox, Subscriber};

/// The service whose events are carried.
pub(super) const SERVICE: &str = "things";
/// The consumer that follows it.
pub(super) const CONSUMER: &str = "tests";

/// One transport, with names that no other test uses.
pub(super) trait World: Send + Sync + 'static {
    /// The transport that the relay publishes to.
    type Transport: Transport;

    fn new() -> Self;

    fn transport(&self) -> Self::Transport;

    /// The consumer was here before: a broker keeps for it what is sent from now on.
    fn join(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Follows [`SERVICE`] until `shutdown`, as a service does.
    fn follow<H: Handler>(
        &self,
        inbox: Inbox<H>,
        source: FeedSource,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + Send + 'static;
}

/// One with a broker.
pub(super) trait BrokerWorld: World {
    type Broker: Broker;

    /// The broker that [`CONSUMER`] subscribes at.
    fn broker(&self) -> Self::Broker;

    /// The same names, and nothing may be made there.
    fn undeclared(&self) -> Self;

    /// Puts a message where events are expected.
    fn litter(&self, body: &str) -> impl Future<Output = ()>;
}

/// No broker.
pub(super) struct Feed;

impl World for Feed {
    type Transport = FeedTransport;

    fn new() -> Self {
        Self
    }

    fn transport(&self) -> FeedTransport {
        FeedTransport
    }

    fn follow<H: Handler>(
        &self,
        inbox: Inbox<H>,
        source: FeedSource,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + Send + 'static {
        Consumer::of(inbox, source).run(shutdown)
    }
}

/// The way of every broker.
pub(super) fn follow_broker<B: Broker, H: Handler>(
    broker: B,
    inbox: Inbox<H>,
    source: FeedSource,
    shutdown: Shutdown,
) -> impl Future<Output = ()> + Send + 'static {
    Subscriber::new(inbox, broker, source).run(shutdown)
}

pub(super) use kafka::Kafka;

mod kafka {
    use rdkafka::producer::{FutureProducer, FutureRecord};
    use rdkafka::util::Timeout;
    use serde_json::json;

    use super::*;
    use crate::EventsConfig;
    use crate::kafka::{KafkaBroker, KafkaTransport};
    use events::transport::TransportKind;

    /// The shared Kafka broker.
    pub(in crate::tests) struct Kafka(EventsConfig);

    impl World for Kafka {
        type Transport = KafkaTransport;

        fn new() -> Self {
            let kafka = json!({
                "brokers": [testkit::brokers::kafka()],
                "partitions": 4,
                "session_timeout_ms": 2000,
            });
            Self(EventsConfig {
                transport: TransportKind::Kafka,
                namespace: testkit::brokers::namespace(),
                kafka: Some(serde_json::from_value(kafka).unwrap()),
                ..EventsConfig::default()
            })
        }

        fn transport(&self) -> KafkaTransport {
            KafkaTransport::new(&self.0, self.0.kafka.as_ref().unwrap(), SERVICE)
        }

        fn follow<H: Handler>(
            &self,
            inbox: Inbox<H>,
            source: FeedSource,
            shutdown: Shutdown,
        ) -> impl Future<Output = ()> + Send + 'static {
            follow_broker(self.broker(), inbox, source, shutdown)
        }
    }

    impl BrokerWorld for Kafka {
        type Broker = KafkaBroker;

        fn broker(&self) -> KafkaBroker {
            KafkaBroker::new(&self.0, self.0.kafka.as_ref().unwrap(), SERVICE, CONSUMER)
        }

        fn undeclared(&self) -> Self {
            let mut config = self.0.clone();
            config.kafka.as_mut().unwrap().declare = false;
            Self(config)
        }

        async fn litter(&self, body: &str) {
            let producer: FutureProducer = rdkafka::ClientConfig::new()
                .set("bootstrap.servers", testkit::brokers::kafka())
                .create()
                .unwrap();
            let topic = format!("{}.{SERVICE}", self.0.namespace);
            let record = FutureRecord::to(&topic).key("litter").payload(body);
            producer.send(record, Timeout::Never).await.unwrap();
        }
    }
}

pub(super) use rabbitmq::Rabbitmq;

mod rabbitmq {
    use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
    use lapin::{BasicProperties, Connection, ConnectionProperties};

    use super::*;
    use crate::rabbitmq::{RabbitmqBroker, RabbitmqConfig, RabbitmqTransport};

    /// The events of the tests are such as `users` must hear.
    const QUEUE: &str = "users";

    /// The shared RabbitMQ node.
    pub(in crate::tests) struct Rabbitmq {
        config: RabbitmqConfig,
        namespace: String,
    }

    impl World for Rabbitmq {
        type Transport = RabbitmqTransport;

        fn new() -> Self {
            Self {
                config: RabbitmqConfig::new(testkit::brokers::rabbitmq().parse().unwrap()),
                namespace: format!("{SERVICE}-{}", testkit::brokers::namespace()),
            }
        }

        fn transport(&self) -> RabbitmqTransport {
            RabbitmqTransport::new(&self.config, &self.namespace, SERVICE)
        }

        async fn join(&self) {
            drop(self.broker().subscribe(false).await.unwrap());
        }

        fn follow<H: Handler>(
            &self,
            inbox: Inbox<H>,
            source: FeedSource,
            shutdown: Shutdown,
        ) -> impl Future<Output = ()> + Send + 'static {
            follow_broker(self.broker(), inbox, source, shutdown)
        }
    }

    impl BrokerWorld for Rabbitmq {
        type Broker = RabbitmqBroker;

        fn broker(&self) -> RabbitmqBroker {
            RabbitmqBroker::new(&self.config, &self.namespace, QUEUE)
        }

        fn undeclared(&self) -> Self {
            let mut config = self.config.clone();
            config.declare = false;
            Self {
                config,
                namespace: self.namespace.clone(),
            }
        }

        async fn litter(&self, body: &str) {
            let url = testkit::brokers::rabbitmq();
            let connection = Connection::connect(&url, ConnectionProperties::default())
                .await
                .unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await
                .unwrap();
            let sent = channel.basic_publish(
                "".into(),
                format!("{}.{QUEUE}", self.namespace).into(),
                BasicPublishOptions::default(),
                body.as_bytes(),
                BasicProperties::default(),
            );
            sent.await.unwrap().await.unwrap();
        }
    }
}

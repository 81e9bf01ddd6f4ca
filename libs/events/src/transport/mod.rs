//! The ways that events travel between services: the HTTP feed, or a broker. All give the same guarantee and pass the
//! same tests; the configuration chooses.
//!
//! A broker carries what the relay publishes; the [feed](crate::feed) goes on serving the same events beside it, because
//! snapshots, the reconciler and followers without a broker need it.

mod binary;
mod config;
mod follow;
mod kafka;
pub(crate) mod rabbitmq;
pub(crate) mod subscription;
#[cfg(test)]
mod tests;
mod waves;

use chassis::config::ConfigError;

use crate::contract::Envelope;
use crate::feed::FeedTransport;
use crate::relay::{PublishError, Transport};

use config::Choice;
pub use config::{EventsConfig, TransportKind};
pub use follow::{Followed, follow};
#[cfg(feature = "kafka")]
pub use kafka::KafkaTransport;
pub use kafka::{KafkaConfig, KafkaSasl, KafkaTls, Mechanism, Verification};
pub use rabbitmq::{BrokerUrl, RabbitmqConfig, RabbitmqTls, RabbitmqTransport};

/// The transport that the configuration chose. Clones share their connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyTransport {
    /// No broker.
    Feed(FeedTransport),
    /// Kafka.
    #[cfg(feature = "kafka")]
    Kafka(KafkaTransport),
    /// RabbitMQ.
    Rabbitmq(RabbitmqTransport),
}

impl AnyTransport {
    /// The transport that `config` chooses, for the events of `service` (`auth`, `users`). Nothing is connected yet, so
    /// that a service starts while its broker is away.
    ///
    /// # Errors
    /// When the settings of the transport are missing, or this program was built without it.
    pub fn new(config: &EventsConfig, service: &'static str) -> Result<Self, ConfigError> {
        match config.choice()? {
            Choice::Feed => Ok(Self::Feed(FeedTransport)),
            #[cfg(feature = "kafka")]
            Choice::Kafka(kafka) => Ok(Self::Kafka(KafkaTransport::new(config, kafka, service))),
            #[cfg(not(feature = "kafka"))]
            Choice::Kafka(_) => {
                let _ = service;
                Ok(Self::Feed(FeedTransport))
            }
            Choice::Rabbitmq(rabbitmq) => Ok(Self::Rabbitmq(RabbitmqTransport::new(
                rabbitmq,
                &config.namespace,
                service,
            ))),
        }
    }
}

impl Transport for AnyTransport {
    fn name(&self) -> &'static str {
        match self {
            Self::Feed(transport) => transport.name(),
            #[cfg(feature = "kafka")]
            Self::Kafka(transport) => transport.name(),
            Self::Rabbitmq(transport) => transport.name(),
        }
    }

    fn destination(&self) -> String {
        match self {
            Self::Feed(transport) => transport.destination(),
            #[cfg(feature = "kafka")]
            Self::Kafka(transport) => transport.destination(),
            Self::Rabbitmq(transport) => transport.destination(),
        }
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        match self {
            Self::Feed(transport) => transport.publish(events).await,
            #[cfg(feature = "kafka")]
            Self::Kafka(transport) => transport.publish(events).await,
            Self::Rabbitmq(transport) => transport.publish(events).await,
        }
    }
}

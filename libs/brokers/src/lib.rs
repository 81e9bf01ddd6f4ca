//! Kafka and RabbitMQ as transports of events, and the choice between them and the HTTP feed by `[events]` in the
//! configuration. All give the same guarantee and pass the same tests.

mod binary;
mod catalogue;
mod config;
mod follow;
mod kafka;
mod log_catalogue;
mod ordered_batches;
mod rabbitmq;
#[cfg(test)]
mod tests;

use chassis::config::ConfigError;

use contract::Envelope;
use events::feed::FeedTransport;
use events::transport::{PublishError, Transport};

use chassis::telemetry::Declarations;

pub use catalogue::METRICS;
use config::Choice;
pub use config::EventsConfig;
pub use follow::follow;
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
    Kafka(KafkaTransport),
    /// RabbitMQ.
    Rabbitmq(RabbitmqTransport),
}

impl AnyTransport {
    /// The transport that `config` chooses, for the events of `service` (`auth`, `users`). Nothing is connected yet, so
    /// that a service starts while its broker is away.
    ///
    /// # Errors
    /// When the settings of the transport are missing.
    pub fn new(config: &EventsConfig, service: &'static str) -> Result<Self, ConfigError> {
        match config.choice()? {
            Choice::Feed => Ok(Self::Feed(FeedTransport)),
            Choice::Kafka(kafka) => Ok(Self::Kafka(KafkaTransport::new(config, kafka, service))),
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
            Self::Kafka(transport) => transport.name(),
            Self::Rabbitmq(transport) => transport.name(),
        }
    }

    fn destination(&self) -> String {
        match self {
            Self::Feed(transport) => transport.destination(),
            Self::Kafka(transport) => transport.destination(),
            Self::Rabbitmq(transport) => transport.destination(),
        }
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        match self {
            Self::Feed(transport) => transport.publish(events).await,
            Self::Kafka(transport) => transport.publish(events).await,
            Self::Rabbitmq(transport) => transport.publish(events).await,
        }
    }
}

/// The metrics, actions and log fields of this crate.
pub const TELEMETRY: Declarations = Declarations {
    metrics: METRICS,
    actions: &[],
    fields: log_catalogue::FIELDS,
};

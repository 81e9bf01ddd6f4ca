//! Events over Kafka: a topic per service, keyed by the aggregate, written by an idempotent producer that waits for every
//! replica in sync, and read by a consumer group whose offsets follow the database.

#[cfg(feature = "kafka")]
mod assignment;
#[cfg(feature = "kafka")]
mod client;
mod config;
#[cfg(feature = "kafka")]
mod consumer;
#[cfg(feature = "kafka")]
mod group;
#[cfg(feature = "kafka")]
mod message;
#[cfg(feature = "kafka")]
mod producer;
#[cfg(test)]
#[cfg(feature = "kafka")]
mod tests;
#[cfg(feature = "kafka")]
mod topology;

pub use config::{KafkaConfig, KafkaSasl, KafkaTls, Mechanism, Verification};
#[cfg(feature = "kafka")]
pub(crate) use consumer::KafkaBroker;
#[cfg(feature = "kafka")]
pub use producer::KafkaTransport;

//! Events over Kafka: a topic per service, keyed by the aggregate, written by an idempotent producer that waits for every
//! replica in sync, and read by a consumer group whose offsets follow the database.

mod assignment;
mod client;
mod config;
mod consumer;
mod group;
mod message;
mod producer;
#[cfg(test)]
mod tests;
mod topology;

pub use config::{KafkaConfig, KafkaSasl, KafkaTls, Mechanism, Verification};
pub(crate) use consumer::KafkaBroker;
pub use producer::KafkaTransport;

//! Events over RabbitMQ (AMQP 0-9-1): a durable topic exchange, and a quorum queue for each service that follows.
//!
//! Publishing: persistent, `mandatory`, confirmed. Consuming: acknowledged after the database transaction, by a single
//! active consumer, so that the order for each aggregate holds over replicas. The client library's own recovery is not
//! used: a connection that failed is thrown away, and its user opens another.

mod config;
mod connection;
mod message;
mod publisher;
mod subscription;
mod tls;
mod topology;

#[cfg(test)]
mod tests;

pub use config::{BrokerUrl, RabbitmqConfig, RabbitmqTls};
pub use publisher::RabbitmqTransport;
pub(crate) use subscription::RabbitmqBroker;

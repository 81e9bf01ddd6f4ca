//! Brokers for tests: shared ones, where each test has its own namespace, and own ones that a test may kill.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot start its broker must say why"
)]

mod kafka;
mod rabbit;
mod script;

use chassis::clock::SystemClock;
use chassis::random::{Random, SystemRandom};

pub use kafka::OwnKafka;
pub use rabbit::OwnRabbit;

/// The address of the shared Kafka broker, as `host:port`.
///
/// # Panics
/// When `VESTIBULE_TEST_KAFKA` is not set.
pub fn kafka() -> String {
    shared("VESTIBULE_TEST_KAFKA", "a Kafka broker")
}

/// The URL of the shared RabbitMQ node.
///
/// # Panics
/// When `VESTIBULE_TEST_RABBITMQ` is not set.
pub fn rabbitmq() -> String {
    shared("VESTIBULE_TEST_RABBITMQ", "a RabbitMQ node")
}

/// A unique namespace for topics, exchanges and queues.
pub fn namespace() -> String {
    let random: &dyn Random = &SystemRandom::default();
    format!("t{}", random.uuid(&SystemClock).simple())
}

fn shared(variable: &str, what: &str) -> String {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!("{variable} is not set: run the tests with `make test`, which starts {what}"),
    }
}

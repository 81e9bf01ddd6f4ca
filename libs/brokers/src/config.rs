//! `[events]`: how events travel and how long they are kept.

use std::num::NonZeroU16;
use std::time::Duration;

use chassis::config::ConfigError;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kafka::KafkaConfig;
use super::rabbitmq::RabbitmqConfig;
use events::transport::TransportKind;

/// `[events]`: how events travel and how long they are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// The transport of events to the other services.
    pub transport: TransportKind,
    /// The prefix of the names of topics, exchanges, queues and consumer groups. Installations that share a
    /// broker need different ones.
    pub namespace: String,
    /// Days for which published events can be read again, and the ids of applied ones are remembered.
    pub retention_days: NonZeroU16,
    /// Minutes between two comparisons of what this service holds with what the other one says; 0: only when asked.
    pub reconcile_minutes: u16,
    /// The Kafka brokers, when the transport is `kafka`.
    pub kafka: Option<KafkaConfig>,
    /// The RabbitMQ broker, when the transport is `rabbitmq`.
    pub rabbitmq: Option<RabbitmqConfig>,
}

/// The transport that was chosen, with its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'a> {
    Feed,
    Kafka(&'a KafkaConfig),
    Rabbitmq(&'a RabbitmqConfig),
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            transport: TransportKind::Feed,
            namespace: "vestibule".to_owned(),
            retention_days: NonZeroU16::MIN.saturating_add(29),
            reconcile_minutes: 10,
            kafka: None,
            rabbitmq: None,
        }
    }
}

impl EventsConfig {
    /// [`Self::reconcile_minutes`] as a duration; nothing when it is 0.
    pub fn reconcile_every(&self) -> Option<Duration> {
        (self.reconcile_minutes > 0).then(|| Duration::from_secs(u64::from(self.reconcile_minutes) * 60))
    }

    /// Checks what the types alone cannot express.
    ///
    /// # Errors
    /// The first key that is wrong, and what is expected.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=64).contains(&self.namespace.len()) || !self.namespace.bytes().all(fit) {
            return Err(ConfigError::invalid(
                "events.namespace",
                "expected 1 to 64 letters, digits, hyphens, underscores and dots",
            ));
        }
        match self.choice()? {
            Choice::Feed => Ok(()),
            Choice::Kafka(config) => config.check(),
            Choice::Rabbitmq(config) => config.check(),
        }
    }

    /// The transport that was chosen.
    ///
    /// # Errors
    /// When its settings are missing.
    pub(crate) fn choice(&self) -> Result<Choice<'_>, ConfigError> {
        match self.transport {
            TransportKind::Feed => Ok(Choice::Feed),
            TransportKind::Kafka => self.kafka.as_ref().map(Choice::Kafka).ok_or_else(|| {
                ConfigError::invalid("events.kafka", "missing, and events.transport is \"kafka\"")
            }),
            TransportKind::Rabbitmq => self.rabbitmq.as_ref().map(Choice::Rabbitmq).ok_or_else(|| {
                ConfigError::invalid(
                    "events.rabbitmq.url",
                    "missing, and events.transport is \"rabbitmq\"",
                )
            }),
        }
    }

    /// [`Self::retention_days`] as a duration.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days.get()) * 24 * 3600)
    }
}

//! The transports by their names in the configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// The kind of a transport of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Over HTTP; needs no broker.
    #[default]
    Feed,
    /// Over Kafka.
    Kafka,
    /// Over RabbitMQ.
    Rabbitmq,
}

impl TransportKind {
    /// As in the configuration: `feed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Kafka => "kafka",
            Self::Rabbitmq => "rabbitmq",
        }
    }
}

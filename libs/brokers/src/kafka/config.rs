//! `[events.kafka]`: where the Kafka brokers are, and who this service is there.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

use chassis::config::ConfigError;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// `[events.kafka]`: where the Kafka brokers are, and who this service is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Some of the brokers, as `host:port`. The others are learned from them.
    pub brokers: Vec<String>,
    /// If true, missing topics are created. Otherwise the service only checks that they exist.
    #[serde(default = "yes")]
    pub declare: bool,
    /// Partitions of a topic that is made here. Never change those of one that is in use: the order per person is that of
    /// a partition.
    #[serde(default = "default_partitions")]
    pub partitions: NonZeroU16,
    /// Copies of a topic that is made here; the brokers' own default when it is missing.
    #[serde(default)]
    pub replication: Option<NonZeroU16>,
    /// Seconds within which the brokers have to confirm or answer.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: NonZeroU16,
    /// Milliseconds without a sign of life after which another replica takes over what one of them consumed. Brokers
    /// refuse less than their `group.min.session.timeout.ms`, which is 6000 by default.
    #[serde(default = "default_session")]
    pub session_timeout_ms: NonZeroU32,
    /// Encrypts the connections.
    #[serde(default)]
    pub tls: Option<KafkaTls>,
    /// Signs in.
    #[serde(default)]
    pub sasl: Option<KafkaSasl>,
}

/// `[events.kafka.tls]`: whom to believe. Empty for certificates of the public authorities.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaTls {
    /// The file with the authorities that sign the brokers' certificates (PEM); the system's own when it is missing.
    pub ca: Option<PathBuf>,
    /// The file with the certificate of this service (PEM), where the brokers ask for one.
    pub certificate: Option<PathBuf>,
    /// The file with its key (PEM).
    pub key: Option<PathBuf>,
    /// The checks of a broker's certificate.
    pub verification: Verification,
}

/// The checks of a broker's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// The authority that signed the certificate, and the host name in it.
    #[default]
    Full,
    /// Only the authority that signed it: for brokers that are known by addresses which their certificates do
    /// not name.
    Authority,
}

/// `[events.kafka.sasl]`: the credentials of this service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaSasl {
    /// The mechanism that proves the password to the broker.
    #[serde(default)]
    pub mechanism: Mechanism,
    /// The name.
    pub user: String,
    /// The password.
    #[schemars(with = "String")]
    pub password: SecretString,
}

/// The SASL mechanism that proves a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Mechanism {
    /// RFC 5802 with SHA-512.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// RFC 5802 with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The password itself is sent (RFC 4616): only with TLS.
    #[serde(rename = "PLAIN")]
    Plain,
}

impl Mechanism {
    /// The registered name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        }
    }
}

impl KafkaConfig {
    /// Checks what the types alone cannot express.
    ///
    /// # Errors
    /// The first key that is wrong, and what is expected.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |key: &str, problem: &str| Err(ConfigError::invalid(format!("events.kafka.{key}"), problem));
        if self.brokers.is_empty() || self.brokers.iter().any(|broker| broker.trim().is_empty()) {
            return wrong("brokers", "expected one host:port at least");
        }
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            return wrong("tls", "expected certificate and key, or neither");
        }
        if let Some(sasl) = &self.sasl
            && sasl.mechanism == Mechanism::Plain
            && self.tls.is_none()
        {
            return wrong(
                "sasl.mechanism",
                "PLAIN sends the password as it is: expected [events.kafka.tls] beside it, or SCRAM-SHA-512",
            );
        }
        Ok(())
    }

    /// [`Self::timeout_seconds`] as a duration.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_seconds.get()))
    }
}

fn yes() -> bool {
    true
}

fn default_partitions() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(15)
}

fn default_timeout() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(9)
}

fn default_session() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(5_999)
}

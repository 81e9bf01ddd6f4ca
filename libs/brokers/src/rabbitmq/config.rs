//! `[events.rabbitmq]`.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;

use chassis::config::ConfigError;
use chassis::secret::{ExposeSecret, SecretString};
use lapin::uri::{AMQPScheme, AMQPUri};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// Bytes of a frame at most. The client holds room for 64 of them for each connection.
const FRAME_MAX: u32 = 32 * 1024;

/// `[events.rabbitmq]`: the broker, when `transport = "rabbitmq"`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RabbitmqConfig {
    /// `amqp://USER:PASSWORD@HOST:5672/VHOST`, or `amqps://…:5671/…` for TLS. The virtual host `/` is written `%2f`.
    /// Holds a password: better in `url_file`.
    #[schemars(with = "String")]
    pub url: BrokerUrl,
    /// If true, exchanges, queues and bindings are declared here. Otherwise the service only checks that they
    /// exist, and reports what is missing.
    #[serde(default = "yes")]
    pub declare: bool,
    /// Seconds between signs of life; a peer that gives none for twice as long is given up.
    #[serde(default = "ten")]
    pub heartbeat_seconds: NonZeroU16,
    /// The certificates for `amqps`: the authorities that are trusted, and the one that this service shows.
    #[serde(default)]
    pub tls: RabbitmqTls,
}

fn yes() -> bool {
    true
}

fn ten() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(9)
}

impl RabbitmqConfig {
    /// The usual settings for a broker.
    pub fn new(url: BrokerUrl) -> Self {
        Self {
            url,
            declare: yes(),
            heartbeat_seconds: ten(),
            tls: RabbitmqTls::default(),
        }
    }

    /// Checks what the types alone cannot express.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let missing =
            |key: &str, why: &str| Err(ConfigError::invalid(format!("events.rabbitmq.tls.{key}"), why));
        match (&self.tls.certificate, &self.tls.key) {
            (Some(_), None) => missing("key", "missing, and there is a certificate"),
            (None, Some(_)) => missing("certificate", "missing, and there is a key"),
            _ => Ok(()),
        }
    }
}

/// `[events.rabbitmq.tls]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RabbitmqTls {
    /// The authorities that may have signed the broker's certificate, and no others: a PEM file. Without it those that
    /// the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate to show to the broker, and those between it and the authority: a PEM file.
    pub certificate: Option<PathBuf>,
    /// Its private key: a PEM file.
    pub key: Option<PathBuf>,
}

/// The URL of a broker with user name and password: never printed.
#[derive(Clone)]
pub struct BrokerUrl(SecretString);

impl BrokerUrl {
    /// The URI for the client, without the password, and the password by itself.
    pub(super) fn parts(&self, heartbeat: NonZeroU16) -> Option<(AMQPUri, SecretString)> {
        let mut uri: AMQPUri = self.0.expose_secret().parse().ok()?;
        let password = SecretString::from(std::mem::take(&mut uri.authority.userinfo.password));
        uri.query.heartbeat = Some(heartbeat.get());
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        Some((uri, password))
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        match self.0.expose_secret().parse::<AMQPUri>() {
            Ok(uri) => format!("{}:{}", uri.authority.host, uri.authority.port),
            Err(_) => "?".to_owned(),
        }
    }

    /// Host, port and virtual host.
    pub(super) fn place_within(&self) -> String {
        match self.0.expose_secret().parse::<AMQPUri>() {
            Ok(uri) => format!("{} {}", self.place(), uri.vhost),
            Err(_) => self.place(),
        }
    }

    /// True if the connection is encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.0
            .expose_secret()
            .parse::<AMQPUri>()
            .is_ok_and(|uri| uri.scheme == AMQPScheme::AMQPS)
    }
}

/// A text that is no URL of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as amqp://USER:PASSWORD@HOST:5672/%2f or amqps://USER:PASSWORD@HOST:5671/%2f")]
pub struct NoBrokerUrl;

impl FromStr for BrokerUrl {
    type Err = NoBrokerUrl;

    fn from_str(text: &str) -> Result<Self, NoBrokerUrl> {
        let uri: AMQPUri = text.parse().map_err(|_| NoBrokerUrl)?;
        if uri.authority.host.is_empty() {
            return Err(NoBrokerUrl);
        }
        Ok(Self(SecretString::from(text)))
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUrl({})", self.place())
    }
}

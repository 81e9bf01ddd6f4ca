//! Configuration sections that every service has: `[listen]`, `[log]`, `[traces]`, `[limits]`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use url::Url;

use crate::network::Network;
use crate::secret::SecretString;

/// `[listen]`: where a service answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port for everybody: `127.0.0.1:8000`.
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// Address and port for health and metrics, never for an ingress: `127.0.0.1:9000`.
    #[schemars(with = "String")]
    pub management: SocketAddr,
    /// Encrypt the public port here. Without it a proxy should.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses or networks such as `10.0.0.0/8`.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// Believes the trusted proxies about the certificates of clients, too: they send them in `Client-Cert` (RFC 9440), and remove
    /// that header from what clients send. From everybody else the header is removed here.
    #[serde(default)]
    pub client_certificate_header: bool,
}

impl ListenConfig {
    /// Any free ports of this machine, for tests.
    pub fn loopback() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            address: any,
            management: any,
            tls: None,
            trusted_proxies: Vec::new(),
            client_certificate_header: false,
        }
    }
}

/// `[listen.tls]`: the certificate of the public port.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and those between it and the authority: a PEM file.
    pub certificate: PathBuf,
    /// Its private key: a PEM file.
    pub key: PathBuf,
    /// Asks clients for a certificate (RFC 8705). They may have none. Browsers with certificates ask people for one then, so this is for
    /// a host that browsers do not use.
    #[serde(default)]
    pub client_certificates: bool,
}

impl ListenConfig {
    /// True if certificates of clients can come.
    pub fn has_client_certificates(&self) -> bool {
        self.client_certificate_header || self.tls.as_ref().is_some_and(|tls| tls.client_certificates)
    }
}

/// `[log]`: what is logged, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` for people, `ecs` for machines (Elastic Common Schema, JSON lines), `auto`: text on a terminal.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, and exceptions by module: `info,http=debug,sqlx=warn`.
    #[serde(deserialize_with = "levels")]
    #[schemars(with = "String")]
    pub level: Targets,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: Targets::new().with_default(Level::INFO),
        }
    }
}

fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Targets, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = "expected a level such as info, or levels by module such as info,http=debug";
    text.parse().map_err(|_| de::Error::custom(expected))
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, ECS elsewhere.
    Auto,
    /// One readable line an event, coloured on a terminal.
    Text,
    /// One JSON object a line, in Elastic Common Schema.
    Ecs,
}

/// `[traces]`: where traces go. Without an endpoint none are recorded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// The OTLP/HTTP endpoint of a collector: `http://localhost:4318`. `/v1/traces` is added to a bare one.
    pub otlp_endpoint: Option<Url>,
    /// The share of traces that start here and are recorded, from 0 to 1; a caller's own decision is followed.
    #[serde(deserialize_with = "ratio")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: Option<f64>,
    /// Headers that the collector asks for, such as `authorization`. Their values are secrets: better in a file, which
    /// `authorization_file` names. In the environment `_` stands for `-`.
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretString>,
    /// Authorities whose certificates are trusted in place of the system's: a PEM file.
    pub ca: Option<PathBuf>,
    /// The deployment that spans name as their origin (`deployment.environment.name`): `production`,
    /// `staging`.
    pub environment: Option<String>,
}

fn ratio<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let ratio = Option::<f64>::deserialize(deserializer)?;
    match ratio {
        Some(ratio) if !(0.0..=1.0).contains(&ratio) => {
            Err(de::Error::custom("expected a number from 0 to 1"))
        }
        ratio => Ok(ratio),
    }
}

/// `[limits]`: what a request and a connection may cost.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Bytes of a body at most, from a sender whose access token gives the right; from anybody else it is 16384, or this
    /// if it is less.
    pub body_bytes: u64,
    /// Bytes of bodies that the whole process holds at the same time at most. One source may hold a sixteenth, or one body of
    /// the largest that there may be, and the last eighth is for bodies of 8 KiB at most. Beyond that a body that is still
    /// waited for is answered with 503, of the source that holds most.
    pub body_budget_bytes: u64,
    /// Seconds in which a body must have come; 408 after that.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub body_timeout_seconds: u64,
    /// Bytes of a request's line and headers at most; 8192 at least.
    pub header_bytes: usize,
    /// Seconds in which a request's line and headers must have come: of the first from the moment the connection was
    /// accepted (TLS included), of another from its first byte.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub header_timeout_seconds: u64,
    /// Seconds for which a connection without a request is kept. Longer than a proxy keeps it, or the proxy sends a request
    /// into the end of it.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub keep_alive_seconds: u64,
    /// Seconds for which a client may take nothing of an answer that is there.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub write_timeout_seconds: u64,
    /// Seconds until a request is given up. Long polls must be shorter.
    pub request_timeout_seconds: u64,
    /// Connections at the same time at most. Less when the process may not open so many files.
    pub connections: usize,
    /// Connections of one source at the same time at most: of an IPv4 address, or of an IPv6 network of 64 bits; and as many
    /// requests over HTTP/2. Through `listen.trusted_proxies`, requests of one client at the same time. Without it a twentieth of `connections`, 16 at least.
    pub connections_per_source: Option<usize>,
}

/// One source may hold this fraction of the body budget, or one body of the largest allowed size.
pub(crate) const BODY_BUDGET_SHARE: u64 = 16;

impl LimitsConfig {
    /// The size of the largest body that one source can send, whatever an endpoint allows: its share of the body budget.
    pub fn largest_body(&self) -> u64 {
        let share = self.body_budget_bytes / BODY_BUDGET_SHARE;
        let head = u64::try_from(self.header_bytes).unwrap_or(u64::MAX);
        share.saturating_sub(head).max(self.body_bytes)
    }

    /// The maximum number of connections of one source.
    pub fn max_connections_per_source(&self) -> usize {
        self.connections_per_source
            .unwrap_or_else(|| (self.connections / 20).max(16))
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            body_budget_bytes: 32 * 1024 * 1024,
            body_timeout_seconds: 20,
            header_bytes: 16 * 1024,
            header_timeout_seconds: 10,
            keep_alive_seconds: 75,
            write_timeout_seconds: 20,
            request_timeout_seconds: 30,
            connections: 10_000,
            connections_per_source: None,
        }
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(de::Error::custom(
            "expected a whole number of seconds, 1 at least",
        )),
        seconds => Ok(seconds),
    }
}

//! The options of a stack: its engine, its transport and its release.

use std::path::PathBuf;
use std::sync::Arc;

use crate::certificates::TestAuthority;

/// The database engine of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A SQLite file per service.
    Sqlite,
    /// A database per service on the server of `VESTIBULE_TEST_POSTGRES`.
    Postgres,
}

/// The transport of the events between the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The feed, over HTTP.
    Feed,
    /// The broker of `VESTIBULE_TEST_KAFKA`, or [`StackOptions::broker`].
    Kafka,
    /// The broker of `VESTIBULE_TEST_RABBITMQ`, or [`StackOptions::broker`].
    Rabbitmq,
}

/// Another release of both services.
#[derive(Clone, Debug)]
pub struct Release {
    /// The folder of its programs `vestibule-auth` and `vestibule-users`.
    pub programs: PathBuf,
    /// Turns a configuration file of this version into one of the release.
    pub configuration: fn(&str) -> String,
}

/// TLS at the public ports of both services.
#[derive(Clone, Debug)]
pub struct StackTls {
    /// The authority of their certificate. The services and the HTTP client of the stack trust no other one.
    pub authority: Arc<TestAuthority>,
    /// Asks clients for certificates.
    pub client_certificates: bool,
}

impl StackTls {
    /// The settings of both services.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let files = self.authority.server();
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut all = vec![("SSL_CERT_FILE".to_owned(), text(self.authority.certificate()))];
        for service in ["AUTH", "USERS"] {
            for (key, value) in [
                ("CERTIFICATE", text(files.certificate.clone())),
                ("KEY", text(files.key.clone())),
                ("CLIENT_CERTIFICATES", self.client_certificates.to_string()),
            ] {
                all.push((format!("VESTIBULE_{service}__LISTEN__TLS__{key}"), value));
            }
        }
        all
    }
}

/// The options of a stack.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The database engine of the services.
    pub engine: Engine,
    /// The transport of the events.
    pub transport: Transport,
    /// The address of a broker in place of the shared one: `host:port` of Kafka, the URL of RabbitMQ.
    pub broker: Option<String>,
    /// Puts a [`FaultProxy`](crate::FaultProxy) between `auth` and `users`.
    pub users_behind_proxy: bool,
    /// Starts two replicas of each service at the same time, on PostgreSQL, with a [`Balancer`](crate::Balancer) in front of
    /// each pair, at [`Stack::auth_url`](super::Stack::auth_url) and [`Stack::users_url`](super::Stack::users_url).
    pub two_replicas: bool,
    /// With `two_replicas`: starts no balancers. The test starts a proxy of its own at [`Stack::auth_url`](super::Stack::auth_url) and
    /// [`Stack::users_url`](super::Stack::users_url).
    pub without_balancer: bool,
    /// On PostgreSQL: reaches the databases only through a pooler in transaction mode.
    pub pooled: bool,
    /// Another release to begin with, in place of the programs built with the tests: see [`Stack::upgrade`](super::Stack::upgrade) and
    /// [`Stack::downgrade`](super::Stack::downgrade).
    pub release: Option<Release>,
    /// TLS at the public ports, for one replica of each service.
    pub tls: Option<StackTls>,
    /// Environment variables of both services, such as `VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS`.
    pub environment: Vec<(String, String)>,
    /// More of the configuration file of `auth`: whole sections of TOML.
    pub auth_toml: String,
    /// More of the configuration file of `users`.
    pub users_toml: String,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            engine: Engine::Sqlite,
            transport: Transport::Feed,
            broker: None,
            users_behind_proxy: false,
            two_replicas: false,
            without_balancer: false,
            pooled: false,
            release: None,
            tls: None,
            environment: Vec::new(),
            auth_toml: String::new(),
            users_toml: String::new(),
        }
    }
}

impl StackOptions {
    /// The default stack on `engine`.
    pub fn on(engine: Engine) -> Self {
        Self {
            engine,
            ..Self::default()
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

//! RabbitMQ node of a single test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use super::script::Script;

/// A RabbitMQ node of a single test, which may be stopped, killed and restarted. It is removed with its data when it is
/// dropped.
#[derive(Debug)]
pub struct OwnRabbit {
    script: Script,
    url: Url,
    tls_url: Option<Url>,
}

impl OwnRabbit {
    /// Starts a node without TLS.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a node that also listens with TLS, with a new certificate.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with_tls() -> Self {
        Self::with(&["--tls"]).await
    }

    async fn with(options: &[&str]) -> Self {
        let script = Script::new("rabbitmq", "remove");
        let said = script.run("start", options).await;
        let mut urls = said
            .lines()
            .map(|line| line.parse().expect("the script prints URLs"));
        Self {
            url: urls.next().expect("the script prints the node's URL"),
            tls_url: urls.next(),
            script,
        }
    }

    /// `amqp://guest:guest@127.0.0.1:PORT/%2f`.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// `amqps://guest:guest@localhost:PORT/%2f`.
    ///
    /// # Panics
    /// When it was started without TLS.
    pub fn tls_url(&self) -> &str {
        self.tls_url.as_ref().expect("the node has TLS").as_str()
    }

    /// The path of the CA certificate of the node, PEM.
    pub fn ca(&self) -> PathBuf {
        self.script.folder().join("tls/ca.pem")
    }

    /// The address of the listener without TLS.
    ///
    /// # Panics
    /// Never: its URL has a port.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.url.port().expect("a port")).into()
    }

    /// Stops the node gracefully; its data stays.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn stop(&self) {
        self.script.run("stop", &[]).await;
    }

    /// Kills the node (`kill -9`); its data stays.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn kill(&self) {
        self.script.run("kill", &[]).await;
    }

    /// Restarts the node at the same address, with its data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&self) {
        self.script.run("start", &[]).await;
    }

    /// Runs `rabbitmqctl` and returns its output.
    ///
    /// # Panics
    /// When it fails.
    pub async fn ctl(&self, arguments: &[&str]) -> String {
        self.script.run("ctl", arguments).await
    }
}

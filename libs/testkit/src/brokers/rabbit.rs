//! A RabbitMQ node of a test's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use super::script::Script;

/// A node that the test may stop, kill and start again. Gone with its data when dropped.
#[derive(Debug)]
pub struct OwnRabbit {
    script: Script,
    url: Url,
    tls_url: Option<Url>,
}

impl OwnRabbit {
    /// A node without TLS.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A node that also listens with TLS, with a certificate made now.
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

    /// The certificate of the authority that signed the node's, as PEM.
    pub fn ca(&self) -> PathBuf {
        self.script.folder().join("tls/ca.pem")
    }

    /// Where it listens without TLS.
    ///
    /// # Panics
    /// Never: its URL has a port.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.url.port().expect("a port")).into()
    }

    /// Ends it in good order; its data stays.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn stop(&self) {
        self.script.run("stop", &[]).await;
    }

    /// `kill -9`; its data stays.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn kill(&self) {
        self.script.run("kill", &[]).await;
    }

    /// Starts it again where it was, with its data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&self) {
        self.script.run("start", &[]).await;
    }

    /// What `rabbitmqctl` says.
    ///
    /// # Panics
    /// When it fails.
    pub async fn ctl(&self, arguments: &[&str]) -> String {
        self.script.run("ctl", arguments).await
    }
}

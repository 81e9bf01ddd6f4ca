//! Kafka broker of a single test.

use std::collections::HashMap;
use std::path::PathBuf;

use super::script::Script;

/// A Kafka broker of a single test, by `scripts/kafka`: it may be killed and restarted. It is removed when it is dropped.
#[derive(Debug)]
pub struct OwnKafka {
    addresses: HashMap<String, String>,
    script: Script,
}

impl OwnKafka {
    /// Starts a broker.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a broker with a listener `proxied` that advertises `port` of 127.0.0.1. With a
    /// [`FaultProxy`](crate::FaultProxy) from there to [`Self::listener`] of `proxied`, all traffic of clients goes through the
    /// proxy.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn behind(port: u16) -> Self {
        Self::with(&["--proxied-port", &port.to_string()]).await
    }

    /// Starts a broker with the listeners `tls`, `mtls`, `sasl` and `sasl_tls`; see `scripts/kafka`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn secure() -> Self {
        Self::with(&["--secure"]).await
    }

    async fn with(options: &[&str]) -> Self {
        let script = Script::new("kafka", "kill");
        let said = script.run("start", options).await;
        let addresses = said
            .lines()
            .map(|line| line.split_once(' ').unwrap_or(("", line)))
            .map(|(name, address)| (name.to_owned(), address.to_owned()))
            .collect();
        Self { addresses, script }
    }

    /// The address of the default listener, as `host:port`.
    pub fn address(&self) -> &str {
        self.listener("")
    }

    /// The address of the listener `name`, as `host:port`.
    ///
    /// # Panics
    /// When it has no such listener.
    pub fn listener(&self, name: &str) -> &str {
        self.addresses
            .get(name)
            .unwrap_or_else(|| panic!("the broker has no listener {name:?}: {:?}", self.addresses))
    }

    /// A file of the broker, such as `tls/ca.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.script.folder().join(name)
    }

    /// Kills the broker (`kill -9`).
    ///
    /// # Panics
    /// When the script fails.
    pub async fn kill(&self) {
        self.script.run("kill", &[]).await;
    }

    /// Restarts the broker at the same address, with its data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&self) {
        self.script.run("start", &[]).await;
    }
}

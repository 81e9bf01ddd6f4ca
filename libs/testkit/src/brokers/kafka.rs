//! A Kafka broker of a test's own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

/// A Kafka broker of the test's own, by `scripts/kafka`: it may be killed and started again. Gone when dropped.
#[derive(Debug)]
pub struct OwnKafka {
    addresses: HashMap<String, String>,
    folder: TempDir,
}

impl OwnKafka {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// One with a listener `proxied` that says of itself that it is at `port` of 127.0.0.1: with a
    /// [`FaultProxy`](crate::FaultProxy) from there to [`Self::listener`] of `proxied`, all that clients say to the
    /// broker goes through the proxy.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn behind(port: u16) -> Self {
        Self::with(&["--proxied-port", &port.to_string()]).await
    }

    /// One with the listeners `tls`, `mtls`, `sasl` and `sasl_tls`; see `scripts/kafka`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn secure() -> Self {
        Self::with(&["--secure"]).await
    }

    async fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = script("start", folder.path(), options).await;
        let addresses = said
            .lines()
            .map(|line| line.split_once(' ').unwrap_or(("", line)))
            .map(|(name, address)| (name.to_owned(), address.to_owned()))
            .collect();
        Self { addresses, folder }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        self.listener("")
    }

    /// Where it listens under the name `listener`.
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
        self.folder.path().join(name)
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn kill(&self) {
        script("kill", self.folder.path(), &[]).await;
    }

    /// Starts it again where it was, with what it holds.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&self) {
        script("start", self.folder.path(), &[]).await;
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        let _ = std::process::Command::new(path())
            .arg("kill")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .output();
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka")
}

async fn script(command: &str, folder: &Path, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new(path())
        .arg(command)
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("scripts/kafka can be run");
    assert!(
        output.status.success(),
        "scripts/kafka {command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

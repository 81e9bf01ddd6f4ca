//! Readiness probe: asks the service on this machine whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::config::{self, ConfigError, ListenConfig};
use crate::telemetry::root_cause;

/// The timeout of the probe.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A service is not ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// The configuration has no management address.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no response in time.
    #[error("no answer from http://{address}/health/ready: {reason}")]
    NoResponse {
        /// The probed address.
        address: SocketAddr,
        /// The cause.
        reason: String,
    },
    /// The service responds and waits for something.
    #[error("not ready, it waits for: {}", .0.join(", "))]
    Missing(Vec<String>),
}

/// The section of the configuration that the probe needs. The others are not read, nor are their secrets.
#[derive(Deserialize)]
struct ProbeConfig {
    listen: ListenConfig,
}

#[derive(Deserialize)]
struct ReadinessResponse {
    #[serde(default)]
    reasons: Vec<String>,
}

/// Requests `GET /health/ready` at the configured management port of `service` (`auth`, `users`). That port never speaks
/// TLS.
///
/// # Errors
/// [`NotReady`] with the reason.
pub async fn probe(service: &'static str, config: Option<&Path>) -> Result<(), NotReady> {
    let probe: ProbeConfig = config::load(service, config, std::env::vars())?;
    probe_at(reachable_address(probe.listen.management), TIMEOUT).await
}

/// The address at which a listener of this machine is reached: the loopback address for an unspecified one.
fn reachable_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn probe_at(address: SocketAddr, timeout: Duration) -> Result<(), NotReady> {
    let silent = |reason: String| NotReady::NoResponse { address, reason };
    let failed = |error: reqwest::Error| silent(root_cause(&error));
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // It never speaks TLS, so no certificate authority has to be read.
        .tls_certs_only([])
        .build()
        .map_err(failed)?;
    let answer = client
        .get(format!("http://{address}/health/ready"))
        .send()
        .await
        .map_err(failed)?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    match answer.json::<ReadinessResponse>().await {
        Ok(said) if !said.reasons.is_empty() => Err(NotReady::Missing(said.reasons)),
        _ => Err(silent(format!("it says {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::health::{Health, management_routes};
    use crate::shutdown::Shutdown;

    #[expect(
        clippy::disallowed_methods,
        reason = "it answers until the test's runtime ends"
    )]
    async fn serves(health: &Health, shutdown: &Shutdown) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = management_routes(health.clone(), shutdown.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        address
    }

    #[tokio::test]
    async fn a_service_is_ready_when_nothing_is_missing_and_it_does_not_drain() {
        let (health, shutdown) = (Health::new(), Shutdown::new());
        health.require("database");
        let address = serves(&health, &shutdown).await;
        let why = async || probe_at(address, TIMEOUT).await.unwrap_err().to_string();
        assert_eq!(why().await, "not ready, it waits for: start, database");
        health.mark_started();
        assert_eq!(why().await, "not ready, it waits for: database");
        health.satisfy("database");
        probe_at(address, TIMEOUT).await.unwrap();
        shutdown.begin();
        assert_eq!(why().await, "not ready, it waits for: draining");
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_ready() {
        // The kernel takes the connection; nobody answers on it.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let late = probe_at(address, Duration::from_millis(50))
            .await
            .unwrap_err()
            .to_string();
        assert!(late.contains("timed out"), "{late}");
        drop(silent);
        let gone = probe_at(address, TIMEOUT).await.unwrap_err().to_string();
        assert!(gone.contains("refused"), "{gone}");
        assert!(gone.contains(&address.to_string()), "{gone}");
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_this_machine() {
        let reachable_address = |text: &str| super::reachable_address(text.parse().unwrap()).to_string();
        assert_eq!(reachable_address("0.0.0.0:9000"), "127.0.0.1:9000");
        assert_eq!(reachable_address("[::]:9000"), "[::1]:9000");
        assert_eq!(reachable_address("10.1.2.3:9000"), "10.1.2.3:9000");
    }

    #[tokio::test]
    async fn only_the_table_that_is_needed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth.toml");
        let text = "issuer = 7\n[listen]\naddress = \"127.0.0.1:8000\"\nmanagement = \"127.0.0.1:1\"\n\
                    [encryption.keys]\nk1_file = \"not there\"\n";
        std::fs::write(&file, text).unwrap();
        let config = probe("auth", Some(&file)).await.unwrap_err();
        assert!(matches!(config, NotReady::NoResponse { .. }), "{config}");
        let unknown = probe("auth", Some(&folder.path().join("none.toml")))
            .await
            .unwrap_err();
        assert!(matches!(unknown, NotReady::Config(_)), "{unknown}");
    }
}

//! HTTP server: a public and a management listener, with a graceful shutdown that loses no request.

mod activity;
mod connection;
mod file_limit;
mod listener;
mod metrics;
mod request_body;
mod response_body;
mod slots;
mod stream;
mod tls;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::config::{LimitsConfig, ListenConfig};
use crate::health::{Health, management_routes};
use crate::http::BodyBudget;
use crate::network::Network;
use crate::shutdown::{Phase, Shutdown};
use crate::telemetry;

use listener::Acceptor;

/// The timeout of requests in flight and of background tasks during shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The header timeout of the management port, in seconds.
const MANAGEMENT_HEADER_SECONDS: u64 = 5;
/// The interval at which recorded metrics are moved into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is in use, or may not be used.
    #[error("cannot listen on {address}: {}", reason(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use TLS: {0}")]
    Tls(String),
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not use this port".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

/// Both listeners. They are bound before anything else, so that a port in use is reported at once.
#[derive(Debug)]
pub struct Server {
    public: TcpListener,
    /// `None` once it serves.
    management: Option<TcpListener>,
    management_address: SocketAddr,
    acceptor: Acceptor,
    limits: LimitsConfig,
    trusted: Arc<[Network]>,
    certificate_header: bool,
    /// The body budget of the process, which both ports share.
    budget: BodyBudget,
}

impl Server {
    /// Binds both ports and reads the certificate.
    ///
    /// # Errors
    /// [`ServeError::Bind`] names the address; [`ServeError::Tls`] the file.
    pub async fn bind(listen: &ListenConfig, limits: &LimitsConfig) -> Result<Self, ServeError> {
        let acceptor = match &listen.tls {
            Some(files) => Acceptor::Tls(tls::acceptor(files)?),
            None => Acceptor::Plain,
        };
        let budget = BodyBudget::new(limits);
        metrics::register_body_budget(&budget);
        let public = bind(listen.address).await?;
        let management = bind(listen.management).await?;
        Ok(Self {
            public,
            management_address: management.local_addr().map_err(|source| ServeError::Bind {
                address: listen.management,
                source,
            })?,
            management: Some(management),
            acceptor,
            limits: LimitsConfig {
                connections: file_limit::raise(limits.connections),
                ..limits.clone()
            },
            trusted: listen.trusted_proxies.clone().into(),
            certificate_header: listen.client_certificate_header,
            budget,
        })
    }

    /// The public address, with the actual port if the configuration has 0.
    ///
    /// # Errors
    /// The system does not report it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// The management address.
    pub fn management_addr(&self) -> SocketAddr {
        self.management_address
    }

    /// Serves the management port from now on, during startup. [`Self::run`] does so by itself.
    pub fn serve_management(&mut self, health: &Health, shutdown: &Shutdown) {
        let Some(listener) = self.management.take() else {
            return;
        };
        let management = listener::Listener {
            port: "management",
            listener,
            acceptor: Acceptor::Plain,
            limits: LimitsConfig {
                connections: file_limit::MANAGEMENT_CONNECTIONS,
                connections_per_source: Some(file_limit::MANAGEMENT_CONNECTIONS / 4),
                header_timeout_seconds: self.limits.header_timeout_seconds.min(MANAGEMENT_HEADER_SECONDS),
                ..self.limits.clone()
            },
            trusted: Arc::new([]),
            certificate_header: false,
            budget: self.budget.clone(),
            app: management_routes(health.clone(), shutdown.clone()),
            until: Phase::Stopping,
        };
        shutdown.spawn("management", management.serve(shutdown.clone()));
        shutdown.spawn("upkeep", upkeep(shutdown.clone()));
    }

    /// Serves both ports until `shutdown` is complete. After [`Shutdown::begin`] the service is not ready, but serves for
    /// `drain` more; then it accepts no new connections; then requests in flight end; then background tasks end.
    pub async fn run(mut self, app: Router, health: Health, drain: Duration, shutdown: &Shutdown) {
        self.serve_management(&health, shutdown);
        let public = listener::Listener {
            port: "public",
            listener: self.public,
            acceptor: self.acceptor,
            limits: self.limits,
            trusted: self.trusted,
            certificate_header: self.certificate_header,
            budget: self.budget,
            app,
            until: Phase::Closing,
        };
        let draining = async {
            shutdown.draining().await;
            tokio::time::sleep(drain).await;
            shutdown.advance(Phase::Closing);
        };
        tokio::join!(public.serve(shutdown.clone()), draining);
        stop_background_tasks(shutdown).await;
    }
}

/// Stops the background tasks and logs those that do not stop in time.
pub async fn stop_background_tasks(shutdown: &Shutdown) {
    if let Err(late) = shutdown.finish(SHUTDOWN_TIMEOUT).await {
        tracing::warn!("these background tasks did not end in time: {}", late.join(", "));
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

async fn upkeep(shutdown: Shutdown) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = tick.tick() => telemetry::run_upkeep(),
            () = shutdown.cancelled() => return,
        }
    }
}

//! Two listeners, one for everybody and one for operators, and an end that loses no request.

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
use crate::http::{BodyBudget, Network};
use crate::shutdown::{Phase, Shutdown};
use crate::telemetry;

use listener::Acceptor;

/// How long requests in flight and background tasks may take once no new ones come.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// Seconds in which a probe or a scrape says what it wants.
const MANAGEMENT_HEADER_SECONDS: u64 = 5;
/// How often recorded metrics are moved into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// What [`run`] needs.
#[derive(Debug)]
pub struct Service {
    /// `auth`, `users`: for log lines.
    pub name: &'static str,
    /// Where it answers.
    pub listen: ListenConfig,
    /// What a connection may cost.
    pub limits: LimitsConfig,
    /// How long to go on serving after the signal, until load balancers have noticed.
    pub drain: Duration,
    /// The routes for everybody, with [`crate::http::standard_layers`] around them.
    pub app: Router,
    /// What `/health/*` says.
    pub health: Health,
}

/// Why a service cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on {address}: {}", reason(source))]
    Bind {
        /// What it should have listened on.
        address: SocketAddr,
        /// What the system says.
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

/// Both listeners, bound before anything else is done, so that a taken port is known at once.
#[derive(Debug)]
pub struct Server {
    public: TcpListener,
    /// Until it answers.
    management: Option<TcpListener>,
    management_address: SocketAddr,
    acceptor: Acceptor,
    limits: LimitsConfig,
    trusted: Arc<[Network]>,
    /// Both ports share it: it is about the memory of the process.
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
            budget,
        })
    }

    /// Where it answers everybody: the real port, if the configuration said 0.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where it answers operators.
    pub fn management_addr(&self) -> SocketAddr {
        self.management_address
    }

    /// Answers operators from now on, while the start takes its time. [`Self::run`] does so by itself.
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
                header_seconds: self.limits.header_seconds.min(MANAGEMENT_HEADER_SECONDS),
                ..self.limits.clone()
            },
            trusted: Arc::new([]),
            budget: self.budget.clone(),
            app: management_routes(health.clone(), shutdown.clone()),
            until: Phase::Stopping,
        };
        shutdown.spawn("management", management.serve(shutdown.clone()));
        shutdown.spawn("upkeep", upkeep(shutdown.clone()));
    }

    /// Answers on both ports until `shutdown` has come to its end. After [`Shutdown::begin`]: not ready, but serving
    /// for `drain` more; then no new connections; then requests in flight end; then background tasks end.
    pub async fn run(mut self, app: Router, health: Health, drain: Duration, shutdown: &Shutdown) {
        self.serve_management(&health, shutdown);
        let public = listener::Listener {
            port: "public",
            listener: self.public,
            acceptor: self.acceptor,
            limits: self.limits,
            trusted: self.trusted,
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

/// Ends what runs in the background.
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

/// Binds, marks the service as started, and answers until `shutdown` has come to its end.
///
/// # Errors
/// When a port cannot be bound or the certificate cannot be used.
pub async fn run(service: Service, shutdown: Shutdown) -> Result<(), ServeError> {
    let server = Server::bind(&service.listen, &service.limits).await?;
    service.health.mark_started();
    tracing::info!(
        server.address = %service.listen.address,
        "{} answers on {}",
        service.name,
        service.listen.address
    );
    server
        .run(service.app, service.health, service.drain, &shutdown)
        .await;
    Ok(())
}

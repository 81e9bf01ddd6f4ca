//! Listener of one port: accepts connections until shutdown.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Request, Response, Version, header};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::config::LimitsConfig;
use crate::http::{BodyBudget, BodyTerms};
use crate::network::Network;
use crate::shutdown::{Phase, Shutdown};

use super::SHUTDOWN_TIMEOUT;
use super::activity::{Activity, Deadlines};
use super::connection::{PortContext, Protocol};
use super::metrics;
use super::slots::Slots;

/// The transport of new connections: plain TCP or TLS.
#[derive(Clone)]
pub(super) enum Acceptor {
    Plain,
    Tls(TlsAcceptor),
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

/// The pause when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A port and its application.
pub(super) struct Listener {
    /// `public` or `management`: the label of its metrics.
    pub(super) port: &'static str,
    pub(super) listener: TcpListener,
    pub(super) acceptor: Acceptor,
    pub(super) limits: LimitsConfig,
    pub(super) trusted: Arc<[Network]>,
    /// True if they are believed about the certificates of clients.
    pub(super) certificate_header: bool,
    pub(super) budget: BodyBudget,
    pub(super) app: Router,
    /// The shutdown phase from which on no more connections are accepted.
    pub(super) until: Phase,
}

impl Listener {
    /// Accepts connections until the phase is reached, then waits for the requests in flight.
    pub(super) async fn serve(self, shutdown: Shutdown) {
        let slots = Slots::new(self.limits.connections, self.limits.max_connections_per_source());
        metrics::register_port(self.port, &slots);
        let template = PortContext {
            port: self.port,
            protocol: Protocol::new(&self.limits),
            slots,
            app: self
                .app
                .layer(from_fn_with_state(shutdown.clone(), close_when_draining)),
            bodies: Arc::new(BodyTerms {
                budget: self.budget,
                time: Duration::from_secs(self.limits.body_timeout_seconds),
            }),
            trusted: self.trusted,
            certificate_header: self.certificate_header,
            tls: matches!(self.acceptor, Acceptor::Tls(_)),
            until: self.until,
            shutdown: shutdown.clone(),
        };
        let deadlines = Deadlines::of(&self.limits);
        let mut connections = JoinSet::new();
        let end = shutdown.reached(self.until);
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut end => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_if_exhausted(&error).await;
                    continue;
                }
            };
            let activity = Activity::new(deadlines, template.trusts(address.ip()));
            // Meanwhile other connections wait in the system's queue.
            let connection = tokio::select! {
                biased;
                () = &mut end => break,
                connection = template.admit(address, activity) => connection,
            };
            if let Some(connection) = connection {
                connections.spawn(connection.accept(stream, self.acceptor.clone()));
            }
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, all).await.is_err() {
            tracing::warn!("{} connections did not end in time", connections.len());
        }
        connections.shutdown().await;
    }
}

/// Adds `Connection: close` to the responses of a draining replica. Load balancers open no new connections by then, and a
/// client that reused one could lose a request when it closes.
async fn close_when_draining(
    State(shutdown): State<Shutdown>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let version = request.version();
    let mut response = next.run(request).await;
    // HTTP/2 has no such header; its connections end with GOAWAY, which loses no request.
    if version <= Version::HTTP_11 && shutdown.phase() >= Phase::Draining {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Pauses after an error of `accept` that is about the listener and not about one connection.
async fn pause_if_exhausted(error: &std::io::Error) {
    use std::io::ErrorKind;
    let of_one_connection = matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        tracing::warn!(error.message = %error, "cannot accept a connection: {error}");
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}

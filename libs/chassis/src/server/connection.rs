//! Accepting connections and serving each until it ends or everything does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Request, Response, Version, header};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::config::LimitsConfig;
use crate::http::{Network, Peer};
use crate::shutdown::{Phase, Shutdown};

use super::PATIENCE;

/// How a new connection becomes a stream of bytes.
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

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What to wait when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// One port and what answers there.
pub(super) struct Listener {
    pub(super) listener: TcpListener,
    pub(super) acceptor: Acceptor,
    pub(super) limits: LimitsConfig,
    pub(super) trusted: Arc<[Network]>,
    pub(super) app: Router,
    /// The phase in which no more connections are taken.
    pub(super) until: Phase,
}

impl Listener {
    /// Accepts until the phase has come, then waits for the requests in flight.
    pub(super) async fn serve(self, shutdown: Shutdown) {
        let Self {
            listener,
            acceptor,
            limits,
            trusted,
            app,
            until,
        } = self;
        let app = app.layer(from_fn_with_state(shutdown.clone(), send_elsewhere));
        let places = Arc::new(Semaphore::new(
            limits.connections.clamp(1, Semaphore::MAX_PERMITS),
        ));
        let graceful = GracefulShutdown::new();
        let builder = Arc::new(builder(&limits));
        let mut connections = JoinSet::new();
        let end = shutdown.reached(until);
        tokio::pin!(end);
        loop {
            let accepted = async {
                // Without a place left, connections wait in the system's queue.
                let place = Arc::clone(&places).acquire_owned().await.ok()?;
                Some((place, listener.accept().await))
            };
            let next = tokio::select! {
                biased;
                () = &mut end => break,
                Some(_) = connections.join_next() => continue,
                next = accepted => next,
            };
            match next {
                Some((place, Ok((stream, address)))) => {
                    let connection = Connection {
                        builder: Arc::clone(&builder),
                        watcher: graceful.watcher(),
                        app: app.clone(),
                        peer: Peer {
                            address,
                            tls: matches!(acceptor, Acceptor::Tls(_)),
                            trusted: Arc::clone(&trusted),
                        },
                        _place: place,
                    };
                    connections.spawn(connection.accept(stream, acceptor.clone()));
                }
                Some((_, Err(error))) => {
                    if !is_of_one_connection(&error) {
                        tracing::warn!(error.message = %error, "cannot accept a connection: {error}");
                        tokio::time::sleep(EXHAUSTED_PAUSE).await;
                    }
                }
                None => break,
            }
        }
        drop(listener);
        if tokio::time::timeout(PATIENCE, graceful.shutdown()).await.is_err() {
            tracing::warn!("{} connections did not end in time", connections.len());
        }
        connections.shutdown().await;
    }
}

/// Answers of a replica that drains are the last of their connections. Balancers of connections send no new ones here by then,
/// and who kept one would run into its end with a request on the way.
async fn send_elsewhere(
    State(shutdown): State<Shutdown>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let version = request.version();
    let mut response = next.run(request).await;
    // HTTP/2 has no such header; its connections end with a word of their own, which loses nothing.
    if version <= Version::HTTP_11 && shutdown.phase() >= Phase::Draining {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Errors of `accept` that are about the connection, not about the listener.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

fn builder(limits: &LimitsConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds))
        .max_buf_size(limits.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(200)
        .keep_alive_interval(Duration::from_secs(20));
    builder
}

struct Connection {
    builder: Arc<Builder<TokioExecutor>>,
    watcher: Watcher,
    app: Router,
    peer: Peer,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn accept(self, stream: TcpStream, acceptor: Acceptor) {
        // An answer is written at once; waiting for more would only delay it.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        match acceptor {
            Acceptor::Plain => self.serve(stream).await,
            Acceptor::Tls(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream).await,
                Ok(Err(error)) => tracing::debug!(error.message = %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn serve<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: I) {
        let handler = Handler {
            app: self.app,
            peer: self.peer,
        };
        let connection = self
            .builder
            .serve_connection(TokioIo::new(stream), handler)
            .into_owned();
        // What ends here is the client's affair: it hung up, or was too slow.
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error.message = %error, "a connection ended early");
        }
    }
}

/// A router with the peer of its connection.
struct Handler {
    app: Router,
    peer: Peer,
}

impl hyper::service::Service<Request<Incoming>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Router as Service<Request<Body>>>::Future;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer.clone());
        self.app.clone().call(request)
    }
}

//! Serving of one connection, until it ends, expires or the server shuts down.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response, Version};
use axum::Router;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::client_certificate::{CertificateHeaders, ClientCertificate, replace_headers};
use crate::config::LimitsConfig;
use crate::http::{BodyTerms, Peer, Problem, SourceBytes, client_ip, protected_response};
use crate::network::Network;
use crate::shutdown::{Phase, Shutdown};

use super::activity::{Activity, CloseReason, OpenRequest};
use super::listener::Acceptor;
use super::metrics;
use super::request_body::RequestBody;
use super::response_body::{HeldResources, ResponseBody};
use super::slots::{ConnectionSlot, RequestSlot, Slots};
use super::stream::TrackedStream;

/// The maximum number of concurrent HTTP/2 streams of a client's connection. A client that wants more waits.
const STREAMS: u32 = 32;
/// The maximum for a trusted proxy, whose connection carries many clients.
const STREAMS_OF_A_PROXY: u32 = 200;
/// HTTP/2 flow-control windows of a stream and of a connection: these unread bytes are not counted in the body budget.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW_OF_A_PROXY: u32 = 1024 * 1024;

/// The HTTP settings for clients and for trusted proxies.
#[derive(Clone)]
pub(super) struct Protocol {
    client: Arc<Builder<TokioExecutor>>,
    proxy: Arc<Builder<TokioExecutor>>,
}

impl Protocol {
    pub(super) fn new(limits: &LimitsConfig) -> Self {
        Self {
            client: Arc::new(builder(limits, STREAMS, CONNECTION_WINDOW)),
            proxy: Arc::new(builder(limits, STREAMS_OF_A_PROXY, CONNECTION_WINDOW_OF_A_PROXY)),
        }
    }
}

fn builder(limits: &LimitsConfig, streams: u32, connection_window: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // `Activity` has the deadlines of heads: it also covers the TLS handshake.
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(connection_window)
        .keep_alive_interval(Duration::from_secs(20));
    builder
}

/// The context that the connections of a port share.
pub(super) struct PortContext {
    pub(super) port: &'static str,
    pub(super) protocol: Protocol,
    pub(super) slots: Arc<Slots>,
    pub(super) app: Router,
    pub(super) bodies: Arc<BodyTerms>,
    pub(super) trusted: Arc<[Network]>,
    pub(super) tls: bool,
    /// True if trusted proxies are believed about the certificates of clients.
    pub(super) certificate_header: bool,
    /// The shutdown phase in which connections close.
    pub(super) until: Phase,
    pub(super) shutdown: Shutdown,
}

impl PortContext {
    pub(super) fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(ip))
    }

    /// Admits an accepted connection; `None` if its source has no free slot.
    pub(super) async fn admit(&self, address: SocketAddr, activity: Arc<Activity>) -> Option<Connection> {
        let proxy = self.trusts(address.ip());
        let Some(slot) = self.slots.admit(address.ip(), proxy, &activity).await else {
            metrics::count_closed(self.port, "source");
            return None;
        };
        let protocol = &self.protocol;
        Some(Connection {
            port: self.port,
            builder: Arc::clone(if proxy { &protocol.proxy } else { &protocol.client }),
            handler: Handler {
                app: self.app.clone(),
                bodies: Arc::clone(&self.bodies),
                body_bytes: self.slots.body_bytes(address.ip()).filter(|_| !proxy),
                peer: Peer {
                    address,
                    tls: self.tls,
                    trusted: Arc::clone(&self.trusted),
                },
                proxy,
                certificate: None,
                certificate_from_proxy: proxy && self.certificate_header,
                slots: Arc::clone(&self.slots),
                activity,
            },
            until: self.until,
            shutdown: self.shutdown.clone(),
            _slot: slot,
        })
    }
}

/// An admitted connection, which has its slot.
pub(super) struct Connection {
    port: &'static str,
    builder: Arc<Builder<TokioExecutor>>,
    handler: Handler,
    until: Phase,
    shutdown: Shutdown,
    _slot: ConnectionSlot,
}

impl Connection {
    /// Serves the connection to its end.
    pub(super) async fn accept(mut self, stream: TcpStream, acceptor: Acceptor) {
        // A response is written in one piece; waiting for more would only delay it.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let activity = Arc::clone(&self.handler.activity);
        let stream = TrackedStream::new(stream, Arc::clone(&activity));
        let tls = match acceptor {
            Acceptor::Plain => return self.serve(stream).await,
            Acceptor::Tls(tls) => tls,
        };
        tokio::select! {
            accepted = tls.accept(stream) => match accepted {
                Ok(stream) => {
                    self.handler.certificate = certificate_headers(&stream);
                    self.serve(stream).await;
                }
                Err(error) => tracing::debug!(error.message = %error, "a TLS handshake failed"),
            },
            why = activity.expired() => self.closed(why),
        }
    }

    fn closed(&self, why: CloseReason) {
        metrics::count_closed(self.port, why.label());
        tracing::debug!(event.reason = why.label(), "closed a connection");
    }

    async fn serve<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: I) {
        let connection = self
            .builder
            .serve_connection(TokioIo::new(stream), self.handler.clone());
        let (end, activity) = (self.shutdown.reached(self.until), &self.handler.activity);
        tokio::pin!(connection, end);
        let mut ending = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    // The client closed the connection, or did not speak HTTP.
                    if let Err(error) = ended {
                        tracing::debug!(error.message = %error, "a connection ended early");
                    }
                    return;
                }
                () = &mut end, if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                why = activity.expired() => {
                    self.closed(why);
                    if why != CloseReason::Idle {
                        return;
                    }
                    // A request that is on its way is still served, or HTTP/2 reports that it was not processed.
                    activity.begin_close();
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The headers of the certificate that the client presented in the handshake, if it did.
fn certificate_headers<I>(stream: &TlsStream<I>) -> Option<Arc<CertificateHeaders>> {
    let certificates = stream.get_ref().1.peer_certificates()?;
    let certificate = ClientCertificate::from_handshake(certificates.iter().map(AsRef::as_ref))?;
    certificate.headers().map(Arc::new)
}

/// The request handler of one connection.
#[derive(Clone)]
struct Handler {
    app: Router,
    bodies: Arc<BodyTerms>,
    /// The body bytes that the source of this connection holds; behind a proxy each client has its own.
    body_bytes: Option<SourceBytes>,
    peer: Peer,
    /// True if the peer is a trusted proxy.
    proxy: bool,
    /// The certificate that the client presented in the handshake.
    certificate: Option<Arc<CertificateHeaders>>,
    /// True if the peer is a proxy that is believed about the certificates of clients.
    certificate_from_proxy: bool,
    slots: Arc<Slots>,
    activity: Arc<Activity>,
}

impl Handler {
    /// Admits a request that its connection does not count for: one through a proxy, and one over HTTP/2, whose connection
    /// carries many. Requests of the proxy itself, and of clients in its network, need no slot.
    fn slot(&self, request: &Request<Incoming>, open: &OpenRequest) -> Result<Option<RequestSlot>, Problem> {
        if !self.proxy && request.version() != Version::HTTP_2 {
            return Ok(None);
        }
        let client = client_ip(&self.peer, request.headers());
        if self.proxy && self.peer.trusted.iter().any(|network| network.contains(client)) {
            return Ok(None);
        }
        match self.slots.admit_request(client, open) {
            Some(slot) => Ok(Some(slot)),
            None => {
                metrics::count_refused("source");
                Err(Problem::too_many(Duration::from_secs(1))
                    .detail("Too many requests of this client are open."))
            }
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Handler {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Some(open) = self.activity.open_request(request.version()) else {
            // The connection was evicted and closes without a response.
            return Box::pin(std::future::pending());
        };
        let slot = match self.slot(&request, &open) {
            Ok(slot) => slot,
            Err(problem) => {
                let response = protected_response(problem, self.peer.tls);
                let response = response.map(|body| ResponseBody::new(body, open, HeldResources::default()));
                return Box::pin(std::future::ready(Ok(response)));
            }
        };
        let source = match &slot {
            Some(slot) => Some(Arc::clone(&slot.body_bytes)),
            None => self.body_bytes.clone(),
        };
        let request = request.map(|body| RequestBody::new(body, open.body_progress()));
        let (mut request, body) = self.bodies.apply(request, source);
        replace_headers(
            request.headers_mut(),
            self.certificate.as_deref(),
            self.certificate_from_proxy,
        );
        request.extensions_mut().insert(self.peer.clone());
        let answer = self.app.clone().call(request);
        let held = HeldResources { slot, body };
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| ResponseBody::new(body, open, held)))
        })
    }
}

//! The standard layer around every route. It is one hand-written layer, because each layer of a stack costs an allocation
//! and a copy of the request, on every request.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use ::http::{Request, StatusCode};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tower::{Layer, Service};

use super::client_info::client_ip;
use super::limit::BodyLimit;
use super::{Peer, Problem, check_host};
use crate::config::LimitsConfig;
use crate::telemetry::{self, RouteMetrics, TraceContext};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The content security policy of responses that are not pages; a page has a policy of its own.
const NO_CONTENT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The most of an overlong body that is discarded, as a multiple of `limits.body_bytes`, and the longest time
/// for it.
const DISCARD_FACTOR: u64 = 8;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// HSTS for this host alone: subdomains are not ours to decide about.
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Puts the standard layer around every route and the fallback: trace context (W3C), metrics by matched path, limits on
/// body and time, panics caught, bare errors turned into problems, and protective headers where the handler set none
/// (`nosniff`, `no-store`, `default-src 'none'`, `no-referrer`, and HSTS if the service is reached over https). The trace
/// id is in `X-Request-Id`. A request that arrived over a connection must name its host.
pub fn standard_layers<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    limits: &LimitsConfig,
    scheme: PublicScheme,
) -> Router<S> {
    router.layer(StandardLayer {
        scheme,
        body_bytes: limits.body_bytes,
        time: Duration::from_secs(limits.request_timeout_seconds),
    })
}

/// The scheme by which clients reach a service, behind any proxy. It comes from the configured public URL: a header such
/// as `X-Forwarded-Proto` would have to be trusted, and adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicScheme {
    /// `http`, on one machine or inside a network.
    Http,
    /// `https`: every response tells browsers to stay with it (RFC 6797).
    Https,
}

impl PublicScheme {
    /// The scheme of a service's public URL.
    pub fn of(public_url: &str) -> Self {
        match public_url.get(..6) {
            Some(start) if start.eq_ignore_ascii_case("https:") => Self::Https,
            _ => Self::Http,
        }
    }
}

#[derive(Clone, Copy)]
struct StandardLayer {
    scheme: PublicScheme,
    body_bytes: u64,
    time: Duration,
}

impl<S> Layer<S> for StandardLayer {
    type Service = StandardService<S>;

    // Called once for every route and method, so each has metrics of its own and never looks them up.
    fn layer(&self, inner: S) -> Self::Service {
        StandardService {
            inner,
            limits: *self,
            metrics: Arc::default(),
        }
    }
}

#[derive(Clone)]
struct StandardService<S> {
    inner: S,
    limits: StandardLayer,
    metrics: Arc<RouteMetrics>,
}

type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for StandardService<S>
where
    S: Service<Request<Body>, Error = Infallible> + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        let began = Instant::now();
        let parent = request
            .headers()
            .get(TRACEPARENT)
            .and_then(|value| TraceContext::parse(value.to_str().ok()?));
        let peer = request.extensions().get::<Peer>();
        let caller = telemetry::Caller::at(peer.map(|peer| client_ip(peer, request.headers())));
        let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
        let (trace, mut span) = telemetry::request_span(parent, &request, tls);
        let labels = RequestLabels::of(&request);
        let limits = self.limits;
        let metrics = Arc::clone(&self.metrics);
        let body = BodyLimit::attach(&mut request, limits.body_bytes);
        // Without a peer there is no connection: a test calls the router itself.
        let named = match request.extensions().get::<Peer>() {
            Some(_) => check_host(&request),
            None => Ok(()),
        };
        let response_future = named.map(|()| self.inner.call(request));
        let secure = tls || limits.scheme == PublicScheme::Https;
        let work = async move {
            let mut response = match response_future {
                Ok(inner) => respond_within(inner, limits.time).await,
                Err(problem) => problem.into_response(),
            };
            if let Some(rest) = body.and_then(|body| body.unread()) {
                discard(rest, limits.body_bytes.saturating_mul(DISCARD_FACTOR)).await;
            }
            finish(&mut response, trace, secure);
            span.set_response_status(response.status());
            labels.record(&metrics, response.status(), began.elapsed());
            Ok(response)
        };
        Box::pin(caller.scope(trace.scope(work)))
    }
}

async fn respond_within<F, R>(inner: F, time: Duration) -> Response
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    match tokio::time::timeout(time, AssertUnwindSafe(inner).catch_unwind()).await {
        Ok(Ok(Ok(response))) => response.into_response(),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(panic)) => {
            tracing::error!(
                error.type = "panic",
                error.message = telemetry::panic_text(panic.as_ref()),
                "a request handler panicked"
            );
            Problem::internal_unlogged().into_response()
        }
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The request took too long",
        )
        .retry_after(Duration::from_secs(1))
        .into_response(),
    }
}

/// Reads and discards the rest of a body, within bounds: closing a connection with unread bytes resets it, and the client
/// would lose the response.
async fn discard(body: Body, at_most: u64) {
    let mut left = usize::try_from(at_most).unwrap_or(usize::MAX);
    let mut body = std::pin::pin!(body);
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, |data| data.len());
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, reading).await;
}

/// Completes a response: turns a bare error into a problem, and adds the headers that the handler did not set.
fn finish(response: &mut Response, trace: TraceContext, secure: bool) {
    if is_bare_error(response) {
        // Headers of the handler stay, such as `Allow` and those of CORS.
        let kept = std::mem::take(response.headers_mut());
        *response = Problem::of_status(response.status()).into_response();
        let headers = response.headers_mut();
        for (name, value) in &kept {
            if !matches!(*name, CONTENT_LENGTH | CACHE_CONTROL) {
                headers.append(name, value.clone());
            }
        }
    }
    let headers = response.headers_mut();
    headers.reserve(6);
    if let Ok(id) = HeaderValue::from_maybe_shared(bytes::Bytes::from(trace.trace_id().to_string())) {
        headers.insert(X_REQUEST_ID, id);
    }
    add_protective_headers(headers, secure);
}

/// The response to a request that is refused before it reaches a route.
pub(crate) fn protected_response(problem: Problem, secure: bool) -> Response {
    let mut response = problem.into_response();
    add_protective_headers(response.headers_mut(), secure);
    response
}

fn add_protective_headers(headers: &mut HeaderMap, secure: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default_header(headers, CACHE_CONTROL, HeaderValue::from_static("no-store"));
    default_header(headers, CONTENT_SECURITY_POLICY, NO_CONTENT_POLICY);
    default_header(headers, REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if secure {
        default_header(headers, STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
}

fn default_header(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

/// True if a response is an error of the router itself, or of a handler that set only a status.
fn is_bare_error(response: &Response) -> bool {
    (response.status().is_client_error() || response.status().is_server_error())
        && !response.headers().contains_key(CONTENT_TYPE)
        && !response.headers().contains_key(TRANSFER_ENCODING)
        && response.body().is_end_stream()
}

/// The labels of a request in metrics and in the log.
struct RequestLabels {
    method: ::http::Method,
    route: Option<axum::extract::MatchedPath>,
}

impl RequestLabels {
    fn of(request: &Request<Body>) -> Self {
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
        }
    }

    fn record(&self, metrics: &RouteMetrics, status: StatusCode, took: Duration) {
        let route = self.route.as_ref().map_or("(none)", |route| route.as_str());
        metrics.record(&self.method, route, status, took);
        // The route, never the path: a path may hold a name or a code.
        let status = status.as_u16();
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        tracing::debug!(
            target: "http",
            {
                http.request.method = %self.method,
                http.route = route,
                http.response.status_code = status,
                event.duration = nanos
            },
            "{} {route} {status}",
            self.method,
        );
    }
}

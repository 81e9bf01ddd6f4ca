//! Spans of requests and of outgoing calls, by the semantic conventions for HTTP
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>). A span records a URL only as the configuration or the
//! router has it: a path or a query may hold a name, a code or a token.

use ::http::{Method, Request, StatusCode};
use axum::body::Body;
use axum::extract::MatchedPath;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind as OtelKind};
use url::Url;

use super::span::server_span;
use super::{Span, SpanKind, TraceContext};

/// The trace context and the server span of a request.
pub(crate) fn request_span(
    caller: Option<TraceContext>,
    request: &Request<Body>,
    tls: bool,
) -> (TraceContext, Span) {
    let (trace, span) = server_span(caller, || {
        let method = known_method(request.method());
        let route = request.extensions().get::<MatchedPath>();
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.unwrap_or(OTHER)),
            KeyValue::new("url.scheme", if tls { "https" } else { "http" }),
        ];
        let mut name = method.unwrap_or("HTTP").to_owned();
        if let Some(route) = route {
            attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
            name = format!("{name} {}", route.as_str());
        }
        SpanBuilder::from_name(name)
            .with_kind(OtelKind::Server)
            .with_attributes(attributes)
    });
    // The connection was lost before there was an answer.
    (trace, span.fail_on_drop("cancelled"))
}

/// The facts that a span may disclose of the peer that a call goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerDisclosure {
    /// The peer belongs to us or to the operator: its address, and the constant part of the path.
    Endpoint(Option<&'static str>),
    /// The peer is a stranger's: nothing, because even its host name may be a secret.
    Nothing,
}

/// The client span of a call to `url`.
pub(crate) fn call_span(method: &Method, url: &Url, disclosure: PeerDisclosure) -> Span {
    let template = match disclosure {
        PeerDisclosure::Endpoint(template) => template,
        PeerDisclosure::Nothing => None,
    };
    let known = known_method(method);
    let mut span = Span::start(SpanKind::Client, || {
        let name = known.unwrap_or("HTTP");
        template.map_or_else(|| name.to_owned(), |template| format!("{name} {template}"))
    })
    .fail_on_drop("cancelled");
    if span.context().is_some() {
        span.set("http.request.method", known.unwrap_or(OTHER));
        if matches!(disclosure, PeerDisclosure::Endpoint(_)) {
            span.set("server.address", url.host_str().unwrap_or_default().to_owned());
            if let Some(port) = url.port_or_known_default() {
                span.set("server.port", i64::from(port));
            }
        }
        if let Some(template) = template {
            span.set("url.template", template);
        }
    }
    span
}

impl Span {
    /// Sets the status of a server span. A client error (4xx) is not a failure.
    pub(crate) fn set_response_status(&mut self, status: StatusCode) {
        self.status(status, status.is_server_error());
    }

    /// Sets the status of a client span.
    pub(crate) fn set_call_status(&mut self, status: StatusCode) {
        self.status(status, status.is_client_error() || status.is_server_error());
    }

    fn status(&mut self, status: StatusCode, failed: bool) {
        self.set("http.response.status_code", i64::from(status.as_u16()));
        if failed {
            self.fail(status.as_str().to_owned());
        } else {
            self.succeed();
        }
    }

    /// Marks a call without a response as failed.
    pub(crate) fn fail_call(&mut self, error: &reqwest::Error) {
        self.fail(if error.is_timeout() {
            "timeout"
        } else if error.is_connect() {
            "connect"
        } else {
            OTHER
        });
    }
}

const OTHER: &str = "_OTHER";

/// The method, if it is a standard one: a caller cannot invent values.
fn known_method(method: &Method) -> Option<&'static str> {
    super::metrics::known_method(method)
}

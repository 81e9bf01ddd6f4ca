//! Spans of requests and of calls, by the semantic conventions for HTTP
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>). Of a URL only what the configuration or the
//! router says is told: a path or a query may hold a name, a code or a token.

use ::http::{Method, Request, StatusCode};
use axum::body::Body;
use axum::extract::MatchedPath;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind as OtelKind};
use url::Url;

use super::span::server_span;
use super::{Span, SpanKind, TraceContext};

/// The trace that a request belongs to, and its span.
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

/// What may be told of the disclosure that a call goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerDisclosure {
    /// One of ours, or one that the operator chose: its address, and the part of the path that never differs.
    Endpoint(Option<&'static str>),
    /// Somebody else's: nothing, since even the name of a host may be a secret.
    Nothing,
}

/// The span of a call to `url`.
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
    /// The outcome of a request that has come in: a client's own mistakes are no failures of it.
    pub(crate) fn set_response_status(&mut self, status: StatusCode) {
        self.status(status, status.is_server_error());
    }

    /// The outcome of a call.
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

    /// A call without an answer.
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

/// A method that everybody knows: the caller cannot invent values.
fn known_method(method: &Method) -> Option<&'static str> {
    super::metrics::known_method(method)
}

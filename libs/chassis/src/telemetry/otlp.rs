//! Traces over OTLP, when an endpoint is set. Otherwise no span is ever made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::Body;
use axum::extract::MatchedPath;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::field::Empty;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::TraceContext;
use crate::config::TracesConfig;

static EXPORTING: AtomicBool = AtomicBool::new(false);

/// Sends spans in batches, from a thread of its own; what is left is sent when it is dropped.
#[derive(Debug)]
pub(super) struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Hands spans to the exporter; not those of the libraries that export them.
    pub(super) fn layer<S>(&self) -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let libraries = [
            "hyper",
            "hyper_util",
            "reqwest",
            "h2",
            "rustls",
            "opentelemetry",
            "sqlx",
            "lapin",
        ];
        let levels = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(libraries.map(|library| (library, LevelFilter::OFF)));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("vestibule"))
            .with_location(false)
            .with_threads(false)
            .with_filter(levels)
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        EXPORTING.store(false, Ordering::Relaxed);
        if let Err(error) = self.0.shutdown_with_timeout(Duration::from_secs(5)) {
            tracing::warn!(error.message = %error, "the last traces could not be sent");
        }
    }
}

/// Starts the exporter, if the configuration has an endpoint.
pub(super) fn start(service: &'static str, config: &TracesConfig) -> Result<Option<Exporting>, String> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(None);
    };
    let mut endpoint = endpoint.clone();
    if endpoint.path() == "/" {
        endpoint.set_path("/v1/traces");
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint.as_str())
        .with_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| format!("traces.otlp_endpoint: {error}"))?;
    let ratio = config.sample_ratio.unwrap_or(1.0).clamp(0.0, 1.0);
    let resource = Resource::builder()
        .with_service_name(format!("vestibule-{service}"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(resource)
        .build();
    EXPORTING.store(true, Ordering::Relaxed);
    Ok(Some(Exporting(provider)))
}

/// The trace that a request belongs to, and a span to record if traces are exported.
pub(crate) fn request_span(
    caller: Option<TraceContext>,
    request: &Request<Body>,
) -> (TraceContext, Option<Span>) {
    let own = || caller.map_or_else(TraceContext::root, TraceContext::child);
    if !EXPORTING.load(Ordering::Relaxed) {
        return (own(), None);
    }
    let method = request.method();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str);
    let span = tracing::info_span!(
        target: "http",
        parent: None,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
    );
    if let Some(caller) = caller {
        // Fails only without an exporter, and then nothing is recorded.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(caller)));
    }
    let context = span.context();
    let ids = context.span().span_context().clone();
    let trace = TraceContext::from_ids(
        u128::from_be_bytes(ids.trace_id().to_bytes()),
        u64::from_be_bytes(ids.span_id().to_bytes()),
        ids.is_sampled(),
    );
    (trace.unwrap_or_else(own), Some(span))
}

fn remote(caller: TraceContext) -> SpanContext {
    let (trace_id, span_id) = caller.ids();
    SpanContext::new(
        TraceId::from_bytes(trace_id.to_be_bytes()),
        SpanId::from_bytes(span_id.to_be_bytes()),
        TraceFlags::default().with_sampled(caller.is_sampled()),
        true,
        TraceState::default(),
    )
}

/// Notes the outcome in the span around the work at hand.
pub(crate) fn record_status(status: StatusCode) {
    if !EXPORTING.load(Ordering::Relaxed) {
        return;
    }
    let span = Span::current();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

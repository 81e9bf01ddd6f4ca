//! Trace export over OTLP/HTTP, if an endpoint is configured.

use std::thread;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use reqwest::blocking::Client;
use secrecy::ExposeSecret;
use url::Url;

use super::{span, span_processor};
use crate::clock::SystemClock;
use crate::config::TracesConfig;
use crate::random::{Random, SystemRandom};

/// The timeout of one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of the last export when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Exports spans in batches, from a thread of its own. When it is dropped, the remaining spans are exported.
#[derive(Debug)]
pub(super) struct TraceExporter(SdkTracerProvider);

impl Drop for TraceExporter {
    fn drop(&mut self) {
        span::stop_exporting();
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(error.message = %error, "the last spans could not be exported");
        }
    }
}

/// Starts the exporter, if an endpoint is configured.
pub(super) fn start(service: &'static str, config: &TracesConfig) -> Result<Option<TraceExporter>, String> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(None);
    };
    let mut endpoint = endpoint.clone();
    if endpoint.path() == "/" {
        endpoint.set_path("/v1/traces");
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client(config, &endpoint)?)
        .with_endpoint(endpoint.as_str())
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| format!("traces.otlp_endpoint: {error}"))?;
    let ratio = config.sample_ratio.unwrap_or(1.0);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(span_processor::bounded_batches(exporter))
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(resource(service, config))
        .build();
    span::start_exporting(provider.tracer("vestibule"));
    Ok(Some(TraceExporter(provider)))
}

/// The OpenTelemetry resource: service and instance. `OTEL_RESOURCE_ATTRIBUTES` adds attributes, and may name the instance.
fn resource(service: &'static str, config: &TracesConfig) -> Resource {
    let from_environment = Resource::builder().build();
    let random: &dyn Random = &SystemRandom::default();
    let instance = from_environment
        .get(&Key::from_static_str("service.instance.id"))
        .unwrap_or_else(|| random.uuid(&SystemClock).to_string().into());
    let mut resource = Resource::builder()
        .with_service_name(format!("vestibule-{service}"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance));
    if let Some(environment) = &config.environment {
        resource = resource.with_attribute(KeyValue::new("deployment.environment.name", environment.clone()));
    }
    resource.build()
}

/// The HTTP client for the collector: no redirects and no proxy from the environment, as for every other call.
fn client(config: &TracesConfig, endpoint: &Url) -> Result<Client, String> {
    let plain = endpoint.scheme() == "http";
    let headers = headers(config)?;
    let authorities = authorities(config)?;
    let build = move || {
        let builder = || {
            Client::builder()
                .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers.clone())
                .timeout(EXPORT_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
        };
        match authorities {
            Some(authorities) => builder().tls_certs_only(authorities).build(),
            // An image without any authority's certificate can still speak plain HTTP.
            None if plain => builder().tls_certs_only([]).build(),
            None => builder().build(),
        }
    };
    // A blocking client cannot be created on a thread of the runtime.
    let built = thread::spawn(build)
        .join()
        .map_err(|_| "traces: the client cannot be made".to_owned())?;
    built.map_err(|error| format!("traces: {error}"))
}

fn headers(config: &TracesConfig) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (key, secret) in &config.headers {
        let name = HeaderName::try_from(key.replace('_', "-"))
            .map_err(|_| format!("traces.headers.{key}: this cannot be the name of a header"))?;
        let mut value = HeaderValue::try_from(secret.expose_secret())
            .map_err(|_| format!("traces.headers.{key}: this cannot be the value of a header"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn authorities(config: &TracesConfig) -> Result<Option<Vec<reqwest::Certificate>>, String> {
    let Some(path) = &config.ca else { return Ok(None) };
    let refused = |problem: String| format!("traces.ca: {}: {problem}", path.display());
    let pem = std::fs::read(path).map_err(|error| refused(format!("cannot read this file: {error}")))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| refused(error.to_string()))?;
    if found.is_empty() {
        return Err(refused("no certificate in this file".to_owned()));
    }
    Ok(Some(found))
}

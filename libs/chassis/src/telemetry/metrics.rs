//! Prometheus metrics: prefix `vestibule_`, base units, no personal data in a label.

use std::any::Any;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use ::http::{Method, StatusCode};
use metrics::{Histogram, SharedString};

/// Request durations of one route, by method and status. A handle is looked up once and cached, because building the
/// labels for every request costs several allocations and a global lookup.
#[derive(Default)]
pub(crate) struct RouteMetrics(RwLock<Vec<(Method, StatusCode, Histogram)>>);

impl RouteMetrics {
    /// Adds one request to `vestibule_http_request_duration_seconds{method,route,status}`; its `_count` is the rate.
    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut same = known.iter().filter(|(m, s, _)| m == method && *s == status);
        if let Some((_, _, histogram)) = same.next() {
            histogram.record(took.as_secs_f64());
            return;
        }
        drop(known);
        let histogram = metrics::histogram!(
            "vestibule_http_request_duration_seconds",
            "method" => method_label(method),
            "route" => SharedString::from(route.to_owned()),
            "status" => SharedString::from(status.as_u16().to_string()),
        );
        histogram.record(took.as_secs_f64());
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A caller can invent methods, so the cache is bounded.
        if known.len() < 64 {
            known.push((method.clone(), status, histogram));
        }
    }
}

#[cfg(test)]
impl RouteMetrics {
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A method as a label value; a caller cannot invent label values.
fn method_label(method: &Method) -> &'static str {
    known_method(method).unwrap_or("other")
}

/// The name of a standard method.
pub(super) fn known_method(method: &Method) -> Option<&'static str> {
    Some(match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => return None,
    })
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

static RENDERER: OnceLock<metrics_exporter_prometheus::PrometheusHandle> = OnceLock::new();

/// Upper bounds of the buckets of every `_seconds` histogram: from a cached response to a request that timed out.
pub const SECONDS_BUCKETS: [f64; 15] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Installs the metrics recorder of the process. Later calls change nothing.
pub(super) fn install() -> Result<(), String> {
    if RENDERER.get().is_some() {
        return Ok(());
    }
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .set_buckets_for_metric(
            metrics_exporter_prometheus::Matcher::Suffix("_seconds".to_owned()),
            &SECONDS_BUCKETS,
        )
        .map_err(|error| error.to_string())?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = RENDERER.set(handle);
    }
    Ok(())
}

type Measure = Box<dyn Fn() + Send + Sync>;
static BEFORE_SCRAPE: RwLock<Vec<Measure>> = RwLock::new(Vec::new());

/// Registers `measure` to be called before each scrape, for values that change too often to be recorded each time. It
/// must not block.
pub fn before_scrape(measure: impl Fn() + Send + Sync + 'static) {
    let mut measures = BEFORE_SCRAPE.write().unwrap_or_else(PoisonError::into_inner);
    measures.push(Box::new(measure));
}

/// All metrics in the text format of Prometheus. Empty before [`super::init`].
pub fn metrics_text() -> String {
    let Some(renderer) = RENDERER.get() else {
        return String::new();
    };
    for measure in &*BEFORE_SCRAPE.read().unwrap_or_else(PoisonError::into_inner) {
        measure();
    }
    renderer.render() + &super::process::text()
}

/// Moves recorded durations into their buckets; without it they accumulate between two scrapes.
pub(crate) fn run_upkeep() {
    if let Some(renderer) = RENDERER.get() {
        renderer.run_upkeep();
    }
}

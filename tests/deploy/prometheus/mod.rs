//! Tests of the Prometheus files: rules, alerts, runbooks, and the metrics that the services export.

mod catalogue;
mod configuration;
mod exposition;
mod live;
mod rules;
mod scrape;
pub(crate) mod server;
pub(crate) mod story;
mod tools;

use std::collections::BTreeSet;

/// The series that an expression names.
pub(crate) fn series_of(expression: &str) -> BTreeSet<String> {
    rules::series(expression)
}

/// True if a service exports a series or a rule records it.
pub(crate) fn known_series(series: &str) -> bool {
    rules::recorded().contains(series) || catalogue::metric_of_series(series).is_some()
}

/// The names of all metrics; of a histogram that of its count.
pub(crate) fn metric_names() -> Vec<&'static str> {
    catalogue::all().map(|metric| metric.name).collect()
}

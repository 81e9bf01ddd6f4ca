//! Tests of the files under `deploy/` with the tools that read them: container engines, Helm, Prometheus, Grafana and
//! Elasticsearch. Where a tool is not available, the closest validator is used, which the guides name.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod containers;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod elastic;
#[cfg(test)]
mod files;
#[cfg(test)]
mod grafana;
#[cfg(test)]
mod helm;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod tools;

//! What stands under `deploy/`, read by the tools that will read it: container engines, Helm, Prometheus, Grafana,
//! Elasticsearch. Where the tool itself cannot be had, by the closest validator, which the guides name.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod containers;
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

//! The metrics catalogue: the metrics of a crate as data. The HELP and TYPE lines of a scrape, the reference
//! `docs/reference/metrics.md` and the tests of alerts and dashboards are made from it.

use metrics::{
    Label as MetricLabel, counter, describe_counter, describe_gauge, describe_histogram, histogram,
};

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that only grows until the process restarts.
    Counter,
    /// Declares a gauge.
    Gauge,
    /// Observations, counted in buckets.
    Histogram,
}

impl MetricKind {
    /// The name in the text format of Prometheus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The possible values of a label.
#[derive(Clone, Copy, Debug)]
pub enum LabelValues {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Values that are known only at run time; the text describes them. A caller can never invent one (SB-39).
    Free(&'static str),
}

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: LabelValues,
}

impl Label {
    /// A label with a known set of values.
    pub const fn of(name: &'static str, values: &'static [&'static str]) -> Self {
        let values = LabelValues::OneOf(values);
        Self { name, values }
    }

    /// A label whose values are known only when the service runs.
    pub const fn free(name: &'static str, what: &'static str) -> Self {
        let values = LabelValues::Free(what);
        Self { name, values }
    }
}

/// The declaration of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with the prefix and the unit.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its unit: `seconds`, `events`.
    pub unit: &'static str,
    /// Its meaning, in one sentence.
    pub help: &'static str,
    /// Its labels, in the order in which they are documented.
    pub labels: &'static [Label],
}

impl Metric {
    /// Declares a counter.
    pub const fn counter(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Counter, unit, help)
    }

    /// Declares a gauge.
    pub const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Gauge, unit, help)
    }

    /// Declares a histogram.
    pub const fn histogram(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Histogram, unit, help)
    }

    const fn new(name: &'static str, kind: MetricKind, unit: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind,
            unit,
            help,
            labels: &[],
        }
    }

    /// Adds labels.
    #[must_use]
    pub const fn labels(self, labels: &'static [Label]) -> Self {
        Self { labels, ..self }
    }

    fn describe(&self) {
        match self.kind {
            MetricKind::Counter => describe_counter!(self.name, self.help),
            MetricKind::Gauge => describe_gauge!(self.name, self.help),
            MetricKind::Histogram => describe_histogram!(self.name, self.help),
        }
    }

    /// Every combination of label values. `known` supplies values that the catalogue does not have. Empty if a label
    /// remains whose values are not known.
    fn combinations(&self, known: &[(&'static str, &'static str)]) -> Vec<Vec<MetricLabel>> {
        self.labels.iter().fold(vec![Vec::new()], |series, label| {
            let given = known.iter().find(|(name, _)| *name == label.name);
            let values: Vec<&'static str> = match (given, label.values) {
                (Some((_, value)), _) => vec![*value],
                (None, LabelValues::OneOf(values)) => values.to_vec(),
                (None, LabelValues::Free(_)) => Vec::new(),
            };
            let extended = |before: &Vec<MetricLabel>| {
                let before = before.clone();
                let name = label.name;
                values.clone().into_iter().map(move |value| {
                    let mut pairs = before.clone();
                    pairs.push(MetricLabel::new(name, value));
                    pairs
                })
            };
            series.iter().flat_map(extended).collect()
        })
    }

    /// Creates the series at zero: `increase` does not see a counter that first appears with the value 1.
    fn init_series(&self, known: &[(&'static str, &'static str)]) {
        for labels in self.combinations(known) {
            match self.kind {
                MetricKind::Counter => counter!(self.name, labels).increment(0),
                MetricKind::Histogram => drop(histogram!(self.name, labels)),
                // Zero would be a claim that nobody measured.
                MetricKind::Gauge => {}
            }
        }
    }
}

/// Describes `metrics` to Prometheus and creates those series whose label values are all known.
pub fn declare(metrics: &[Metric]) {
    for metric in metrics {
        metric.describe();
        metric.init_series(&[]);
    }
}

/// Creates the series of every metric with the label `name`, whose `value` is known now.
pub fn init_series(metrics: &[Metric], name: &'static str, value: &'static str) {
    for metric in metrics {
        if metric.labels.iter().any(|label| label.name == name) {
            metric.init_series(&[(name, value)]);
        }
    }
}

/// Metrics of every service.
pub const METRICS: &[Metric] = &[
    Metric::gauge("vestibule_build_info", "", "Always 1; the labels say what runs.").labels(&[
        Label::of("service", &["auth", "users"]),
        Label::free("version", "the version of the program"),
    ]),
    Metric::histogram(
        "vestibule_http_request_duration_seconds",
        "seconds",
        "How long requests took; its count is their rate. Those of the management port are not among them.",
    )
    .labels(&[
        Label::of(
            "method",
            &[
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
            ],
        ),
        Label::free(
            "route",
            "the pattern of the route, never the path; `(none)` for paths that there are not",
        ),
        Label::free("status", "the status code of the answer"),
    ]),
    Metric::gauge(
        "vestibule_connections",
        "connections",
        "Open connections of clients and proxies.",
    )
    .labels(&[PORT]),
    Metric::counter(
        "vestibule_connections_closed_total",
        "connections",
        "Connections that the service refused or ended.",
    )
    .labels(&[
        PORT,
        Label::of("reason", &["source", "head", "idle", "answer", "room"]),
    ]),
    Metric::counter(
        "vestibule_requests_refused_total",
        "requests",
        "Requests that were refused for what they would hold: places of their source, bytes of bodies, time.",
    )
    .labels(&[Label::of("reason", &["source", "body_budget", "body_time"])]),
    Metric::gauge(
        "vestibule_body_bytes",
        "bytes",
        "Bytes of requests with a body that are held, of all clients.",
    ),
    Metric::gauge(
        "vestibule_body_bytes_limit",
        "bytes",
        "Bytes of requests with a body that may be held.",
    ),
    Metric::histogram(
        "vestibule_db_transaction_seconds",
        "seconds",
        "How long transactions were open that were committed.",
    )
    .labels(&[Label::free("name", "what the transaction is for")]),
    Metric::histogram(
        "vestibule_db_wait_seconds",
        "seconds",
        "How long it took until a connection was ready; of a transaction, until it had begun as well.",
    )
    .labels(&[POOL]),
    Metric::counter(
        "vestibule_db_timeouts_total",
        "requests",
        "Those that got no connection to the database in time.",
    )
    .labels(&[POOL]),
    Metric::gauge(
        "vestibule_db_connections",
        "connections",
        "Connections to the database.",
    )
    .labels(&[POOL, Label::of("state", &["idle", "used"])]),
    Metric::gauge(
        "vestibule_db_connections_limit",
        "connections",
        "Connections to the database that may be open at most.",
    )
    .labels(&[POOL]),
    Metric::counter(
        "vestibule_task_panics_total",
        "panics",
        "Background tasks that panicked; they are started again.",
    )
    .labels(&[Label::free("task", "the name of the task")]),
    Metric::counter(
        "vestibule_trace_spans_total",
        "spans",
        "Spans for the collector: sent to it, refused or not reached as a whole batch, and given up because too many waited.",
    )
    .labels(&[Label::of("outcome", &["exported", "failed", "dropped"])]),
];

/// Process metrics, under the names of Prometheus' own clients. They are read at each scrape, not declared.
pub const PROCESS: &[Metric] = &[
    Metric::counter(
        "process_cpu_seconds_total",
        "seconds",
        "Time of processors that the process used, its own and the kernel's for it.",
    ),
    Metric::gauge(
        "process_resident_memory_bytes",
        "bytes",
        "Memory that the process holds.",
    ),
    Metric::gauge(
        "process_virtual_memory_bytes",
        "bytes",
        "Addresses that the process reserved.",
    ),
    Metric::gauge("process_open_fds", "descriptors", "Open file descriptors."),
    Metric::gauge(
        "process_max_fds",
        "descriptors",
        "File descriptors that may be open at most.",
    ),
    Metric::gauge("process_threads", "threads", "Threads of the process."),
    Metric::gauge(
        "process_start_time_seconds",
        "seconds since 1970",
        "When the process started.",
    ),
];

/// The listeners of a service.
const PORT: Label = Label::of("port", &["public", "management"]);

/// The kinds of database pools: SQLite has one connection that writes and several that read.
const POOL: Label = Label::free("pool", "`read` and `write` on SQLite, `all` on PostgreSQL");

#[cfg(test)]
mod tests {
    use super::*;

    const LABELLED: Metric = Metric::counter("n", "things", "Things.").labels(&[
        Label::free("consumer", "who"),
        Label::of("outcome", &["good", "bad"]),
    ]);

    #[test]
    fn counts_begin_once_every_label_is_known() {
        assert!(LABELLED.combinations(&[]).is_empty());
        let known = LABELLED.combinations(&[("consumer", "auth")]);
        let values: Vec<Vec<&str>> = known
            .iter()
            .map(|labels| labels.iter().map(MetricLabel::value).collect())
            .collect();
        assert_eq!(values, [["auth", "good"], ["auth", "bad"]]);
        let plain = Metric::counter("m", "things", "Things.");
        assert_eq!(plain.combinations(&[]), [Vec::<MetricLabel>::new()]);
    }
}

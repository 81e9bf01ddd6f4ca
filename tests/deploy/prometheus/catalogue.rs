//! Tests of the catalogue of metrics against the code, and the generated reference `docs/reference/metrics.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chassis::telemetry::catalogue::{self, LabelValues, Metric, MetricKind};

use crate::files::{files_below, read, root};

const REFERENCE: &str = "docs/reference/metrics.md";

/// The chapters of the catalogue: the text, the metrics and the services that export them.
pub(crate) const CHAPTERS: [(&str, &str, &[Metric], &[&str]); 8] = [
    (
        "What every service tells",
        "Of its requests, its database and its background tasks.",
        catalogue::METRICS,
        &["auth", "users"],
    ),
    (
        "The process",
        "Under the names that Prometheus' own clients use. They need Linux.",
        catalogue::PROCESS,
        &["auth", "users"],
    ),
    (
        "Events",
        "Both services tell these, each of the events that it publishes and of those that it follows.",
        events::METRICS,
        &["auth", "users"],
    ),
    (
        "Brokers",
        "Both services tell this with RabbitMQ.",
        brokers::METRICS,
        &["auth", "users"],
    ),
    (
        "Webhooks",
        "Both services tell these, each of its own webhooks.",
        webhooks::METRICS,
        &["auth", "users"],
    ),
    (
        "Provisioning",
        "Only `users` tells these, of the applications that it pushes users and groups to.",
        provisioning::METRICS,
        &["users"],
    ),
    (
        "Sign-in, tokens, registrations and keys",
        "Only `auth` tells these.",
        auth::METRICS,
        &["auth"],
    ),
    (
        "Revocations",
        "Only `users` tells this: `auth` knows what it has revoked.",
        users::METRICS,
        &["users"],
    ),
];

/// Every metric there is.
pub(crate) fn all() -> impl Iterator<Item = &'static Metric> {
    CHAPTERS.iter().flat_map(|(_, _, metrics, _)| metrics.iter())
}

/// A metric by the name of one of its series: a histogram has three kinds.
pub(crate) fn metric_of_series(series: &str) -> Option<&'static Metric> {
    all().find(|metric| {
        let parts: &[&str] = match metric.kind {
            MetricKind::Histogram => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        series
            .strip_prefix(metric.name)
            .is_some_and(|rest| parts.contains(&rest))
    })
}

/// A place in the code that records a metric.
#[derive(Debug)]
struct Measurement {
    place: String,
    name: String,
    kind: String,
    labels: BTreeSet<String>,
}

/// Every place in `text` that records a metric.
fn measurements_in(place: &str, text: &str) -> Vec<Measurement> {
    let mut found = Vec::new();
    for kind in ["counter", "gauge", "histogram"] {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(&format!("{kind}!(")) {
            rest = after;
            if before.ends_with('_') {
                continue;
            }
            let call = until_closed(after);
            let strings: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
            let Some(name) = strings.first().filter(|_| call.trim_start().starts_with('"')) else {
                continue;
            };
            let labels = strings.iter().skip(1).filter(|label| {
                let after = call.split_once(&format!("\"{label}\"")).map(|(_, after)| after);
                after.is_some_and(|after| after.trim_start().starts_with("=>"))
            });
            found.push(Measurement {
                place: place.to_owned(),
                name: (*name).to_owned(),
                kind: kind.to_owned(),
                labels: labels.map(|label| (*label).to_owned()).collect(),
            });
        }
    }
    found
}

/// The text up to the bracket that closes what is open.
fn until_closed(text: &str) -> &str {
    let mut open = 1;
    for (at, character) in text.char_indices() {
        match character {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return &text[..at];
        }
    }
    text
}

fn code() -> Vec<(String, String)> {
    let sources: Vec<String> = ["libs", "services"].into_iter().flat_map(files_below).collect();
    let sources = sources.into_iter().filter(|path| {
        path.ends_with(".rs")
            && path.contains("/src/")
            && !path.contains("/tests")
            && !path.ends_with("catalogue.rs")
    });
    sources
        .map(|path| {
            let text = read(&path);
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            (path, code)
        })
        .collect()
}

#[test]
fn the_code_measures_what_the_catalogue_says_and_nothing_else() {
    let told: Vec<Measurement> = code()
        .iter()
        .flat_map(|(path, text)| measurements_in(path, text))
        .collect();
    assert!(told.len() > 40, "{told:?}");
    for place in &told {
        let metric = all().find(|metric| metric.name == place.name);
        let metric = metric.unwrap_or_else(|| panic!("{}: not in the catalogue: {place:?}", place.place));
        assert_eq!(metric.kind.name(), place.kind, "{place:?}");
        let labels: BTreeSet<String> = metric.labels.iter().map(|label| label.name.to_owned()).collect();
        assert_eq!(labels, place.labels, "{place:?}");
    }
    let told: BTreeSet<&str> = told.iter().map(|place| place.name.as_str()).collect();
    for metric in all().filter(|metric| !metric.name.starts_with("process_")) {
        assert!(told.contains(metric.name), "nothing measures {}", metric.name);
    }
    // However else a name is written down in the code, it is one of the catalogue.
    for (path, text) in code() {
        for name in names(&text) {
            assert!(all().any(|metric| metric.name == name), "{path}: {name}");
        }
    }
}

/// Strings that look like a metric's name: the channel between replicas, and the beginning of provisioning tokens.
const OTHER_NAMES: [&str; 2] = ["vestibule_events", "vestibule_scim_"];

/// The strings of `text` that look like a metric's name.
fn names(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    quoted
        .filter(|string| string.starts_with("vestibule_") && !OTHER_NAMES.contains(string))
        .filter(|string| string.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_units_and_help_follow_the_conventions_of_prometheus() {
    let mut seen = BTreeSet::new();
    for metric in all() {
        let name = metric.name;
        assert!(seen.insert(name), "{name} is there twice");
        assert!(
            name.starts_with("vestibule_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == MetricKind::Counter,
            "{name}"
        );
        // The buckets of chassis are chosen for durations.
        assert!(
            metric.kind != MetricKind::Histogram || name.ends_with("_seconds"),
            "{name}"
        );
        let base = name.trim_end_matches("_total");
        assert_eq!(
            base.ends_with("_seconds"),
            metric.unit.starts_with("seconds"),
            "{name}"
        );
        assert!(metric.help.ends_with('.') && metric.help.len() > 10, "{name}");
        for label in metric.labels {
            // SB-39: no label holds a person.
            for forbidden in [
                "user", "person", "subject", "email", "address", "ip", "session", "id", "client",
            ] {
                assert_ne!(label.name, forbidden, "{name}");
            }
        }
    }
}

/// The reference, made of the catalogue.
fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         This page is generated from the code by `scripts/generate`; tests compare it with the code and with what the services \
         really say.\n\n\
         Each service answers `GET /metrics` on its management port (9000, 9001) in the text format of Prometheus. How to scrape, \
         which alerts and dashboards there are: [observability](../guides/observability.md).\n\n\
         - Times are seconds, sizes bytes. A histogram has the series `…_bucket`, `…_sum` and `…_count`; its buckets end at ",
    );
    let bounds: Vec<String> = chassis::telemetry::SECONDS_BUCKETS
        .iter()
        .map(f64::to_string)
        .collect();
    writeln!(page, "{} s.", bounds.join(", ")).unwrap();
    page.push_str(
        "- Counters whose labels are known are there from the start with 0, so that `increase` sees the first.\n\
         - No label holds a person, an address or anything that a caller can make up.\n",
    );
    for (title, text, metrics, _) in CHAPTERS {
        write!(
            page,
            "\n## {title}\n\n{text}\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for metric in metrics {
            let labels: Vec<String> = metric.labels.iter().map(describe).collect();
            let (name, kind, unit, help) = (metric.name, metric.kind.name(), metric.unit, metric.help);
            writeln!(
                page,
                "| `{name}` | {kind} | {unit} | {} | {help} |",
                labels.join("; ")
            )
            .unwrap();
        }
    }
    page
}

fn describe(label: &catalogue::Label) -> String {
    let values = match label.values {
        LabelValues::OneOf(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            values.join(", ")
        }
        LabelValues::Free(what) => what.to_owned(),
    };
    format!("`{}`: {values}", label.name)
}

#[test]
fn the_generated_reference_of_metrics_is_up_to_date() {
    testkit::assert_generated(&root().join(REFERENCE), &reference());
}

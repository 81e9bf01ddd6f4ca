//! Tests of the metrics of running services against the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use chassis::telemetry::catalogue::{LabelValues, Metric, MetricKind};
use testkit::{Engine, Stack};

use super::catalogue::{CHAPTERS, metric_of_series};
use super::exposition::Scrape;
use super::{story, tools};

/// Metrics that the activity does not produce, each with the reason.
const NOT_EXPORTED: [(&str, &str); 1] = [(
    "vestibule_events_unrouted_total",
    "only RabbitMQ has it, and only when nobody is bound",
)];

/// Scrapes one service until it exports all metrics of the catalogue, and compares them.
async fn check(service: &'static str, url: &str) {
    let wanted = || {
        let chapters = CHAPTERS
            .iter()
            .filter(|(.., services)| services.contains(&service));
        let metrics = chapters.flat_map(|(_, _, metrics, _)| metrics.iter());
        metrics.filter(|metric| !NOT_EXPORTED.iter().any(|(name, _)| *name == metric.name))
    };
    let what = format!("{service} tells everything");
    // The services compare what they hold only after a while.
    let scrape = testkit::within(Duration::from_secs(60), &what, async || {
        let scrape = Scrape::parse(&story::scrape(url).await);
        let missing = wanted().filter(|metric| !scrape.kinds.contains_key(metric.name));
        let missing: Vec<&str> = missing.map(|metric| metric.name).collect();
        // Shown when the test fails: the last line says what was never told.
        eprintln!("{service} has yet to tell {missing:?}");
        missing.is_empty().then_some(scrape)
    })
    .await;
    for metric in wanted() {
        assert_eq!(scrape.kinds[metric.name], metric.kind.name(), "{service}");
        assert_eq!(
            scrape.helps.get(metric.name).map(String::as_str),
            Some(metric.help),
            "{service}"
        );
    }
    for (name, labels, _) in &scrape.series {
        let metric =
            metric_of_series(name).unwrap_or_else(|| panic!("{service}: {name} is not in the catalogue"));
        assert_labels_declared(metric, labels);
    }
}

/// The labels of a series against those that the catalogue declares.
fn assert_labels_declared(metric: &Metric, labels: &BTreeMap<String, String>) {
    let names: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
    let declared: BTreeSet<&str> = metric.labels.iter().map(|label| label.name).collect();
    assert_eq!(names, declared, "{}", metric.name);
    for label in metric.labels {
        let value = labels[label.name].as_str();
        // Neither a person nor what a caller made up.
        assert!(
            !value.contains(story::NAME) && !value.contains('@'),
            "{}: {value}",
            metric.name
        );
        assert!(
            value.len() < 80 && !looks_like_an_id(value),
            "{}: {value}",
            metric.name
        );
        if let LabelValues::OneOf(values) = label.values {
            assert!(values.contains(&value), "{}: {value}", metric.name);
        }
    }
}

fn looks_like_an_id(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_hexdigit).count();
    digits >= 16 && value.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// `promtool check metrics`, as a scrape would be read.
fn check_by_promtool(text: &str) {
    let mut command = tools::program("promtool");
    command
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

/// Counters that alerts look at are there with 0 before anything happened: `increase` does not see the first otherwise.
async fn assert_counters_start_at_zero(url: &str, expected: &[&str]) {
    let scrape = Scrape::parse(&story::scrape(url).await);
    for name in expected {
        assert_eq!(scrape.sum(name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn the_services_tell_all_that_the_catalogue_has_and_nothing_of_people() {
    // SB-39
    let stack = Stack::with(story::options(Engine::Postgres)).await;
    let (auth, users) = (
        stack.auth_management_url("/metrics"),
        stack.users_management_url("/metrics"),
    );
    let both = [
        "vestibule_task_panics_total",
        "vestibule_db_timeouts_total",
        "vestibule_events_dead_lettered_total",
        "vestibule_inbox_dead_lettered_total",
        "vestibule_reconcile_repaired_total",
        "vestibule_webhook_deliveries_total",
    ];
    assert_counters_start_at_zero(&users, &both).await;
    assert_counters_start_at_zero(&auth, &both).await;
    let only = [
        "vestibule_token_reuse_total",
        "vestibule_sign_ins_total",
        "vestibule_hash_refused_total",
        "vestibule_registrations_total",
        "vestibule_signing_key_failures_total",
    ];
    assert_counters_start_at_zero(&auth, &only).await;

    story::generate_activity(&stack).await;
    story::wait_for_value(&auth, "vestibule_token_reuse_total", 1.0).await;
    story::wait_for_value(&auth, "vestibule_webhook_deliveries_total", 2.0).await;
    for (service, url) in [("auth", &auth), ("users", &users)] {
        check(service, url).await;
        check_by_promtool(&story::scrape(url).await);
    }
    let scrape = Scrape::parse(&story::scrape(&auth).await);
    // PostgreSQL has one pool, which reads and writes.
    let pools = scrape
        .series
        .iter()
        .filter(|(name, ..)| name == "vestibule_db_connections_limit");
    let pools: Vec<(&str, f64)> = pools
        .map(|(_, labels, value)| (labels["pool"].as_str(), *value))
        .collect();
    assert_eq!(pools, [("all", 8.0)]);
    let right = scrape
        .series
        .iter()
        .find(|(name, labels, _)| name == "vestibule_sign_ins_total" && labels["outcome"] == "success");
    assert!(right.unwrap().2 >= 3.0, "{right:?}");
    assert!(scrape.sum("process_cpu_seconds_total").unwrap() > 0.0);
    assert!(scrape.sum("vestibule_hash_workers").unwrap() >= 1.0);
    let buckets = scrape
        .series
        .iter()
        .filter(|(name, ..)| name.ends_with("_bucket"));
    assert!(
        buckets.count() > 100
            && scrape
                .kinds
                .values()
                .any(|kind| kind == MetricKind::Histogram.name())
    );
}

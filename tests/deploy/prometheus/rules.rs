//! Tests of the rules: each alert fires above its threshold and not below, has a runbook section, and uses existing
//! metrics.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::catalogue::metric_of_series;
use super::tools::promtool;
use crate::files::{files_below, read};

const FOLDER: &str = "deploy/observability/prometheus";

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    #[expect(dead_code, reason = "allowed in the file, not looked at")]
    interval: Option<String>,
    rules: Vec<Rule>,
}

/// A rule: it records or it alerts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) record: Option<String>,
    pub(crate) alert: Option<String>,
    pub(crate) expr: String,
    #[serde(rename = "for")]
    #[expect(dead_code, reason = "allowed in the file, not looked at")]
    holds: Option<String>,
    #[serde(default)]
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

/// The files with rules, named from the root.
pub(crate) fn files() -> Vec<String> {
    let files = files_below(&format!("{FOLDER}/rules"));
    assert!(files.iter().all(|file| file.ends_with(".yml")), "{files:?}");
    files
}

fn parse(file: &str) -> Vec<Group> {
    let parsed: File = yaml_serde::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    parsed.groups
}

/// Every rule there is, with its file.
pub(crate) fn all() -> Vec<(String, Rule)> {
    let mut rules = Vec::new();
    for file in files() {
        for group in parse(&file) {
            rules.extend(group.rules.into_iter().map(|rule| (file.clone(), rule)));
        }
    }
    rules
}

fn alerts() -> Vec<(String, String, Rule)> {
    let alerts = all().into_iter().filter_map(|(file, rule)| {
        let name = rule.alert.clone()?;
        Some((file, name, rule))
    });
    let alerts: Vec<_> = alerts.collect();
    assert!(alerts.len() >= 25, "{alerts:?}");
    alerts
}

/// The words of an expression that name series: ours, those of the kernel, and what Prometheus itself makes.
pub(crate) fn series(expression: &str) -> BTreeSet<String> {
    let letters = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    let words = expression.split(|character| !letters(character));
    let words = words.filter(|word| {
        word.starts_with("vestibule_")
            || word.starts_with("process_")
            || (word.contains(':') && word.starts_with("job"))
    });
    words.map(str::to_owned).collect()
}

/// The series that recording rules make.
pub(crate) fn recorded() -> BTreeSet<String> {
    all().into_iter().filter_map(|(_, rule)| rule.record).collect()
}

#[test]
fn every_file_of_rules_is_valid_and_its_unit_tests_hold() {
    for file in files() {
        promtool(&["check", "rules", "--lint-fatal", "--lint=all", &file]);
    }
    for test in files_below(&format!("{FOLDER}/tests")) {
        promtool(&["test", "rules", &test]);
    }
}

/// Cases of the unit tests.
#[derive(Debug, Deserialize)]
struct Tests {
    tests: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
    #[serde(default)]
    promql_expr_test: Vec<ExpressionTest>,
}

#[derive(Debug, Deserialize)]
struct AlertTest {
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<yaml_serde::Value>,
}

#[derive(Debug, Deserialize)]
struct ExpressionTest {
    expr: String,
}

#[test]
fn every_alert_is_seen_to_fire_and_seen_to_be_quiet_and_every_recording_is_computed() {
    let mut fires = BTreeSet::new();
    let mut quiet = BTreeSet::new();
    let mut computed = BTreeSet::new();
    for file in files_below(&format!("{FOLDER}/tests")) {
        let tests: Tests =
            yaml_serde::from_str(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for case in tests.tests {
            for test in case.alert_rule_test {
                let seen = if test.exp_alerts.is_empty() {
                    &mut quiet
                } else {
                    &mut fires
                };
                seen.insert(test.alertname);
            }
            computed.extend(case.promql_expr_test.iter().flat_map(|test| series(&test.expr)));
        }
    }
    for (file, alert, _) in alerts() {
        assert!(fires.contains(&alert), "{file}: no test in which {alert} fires");
        assert!(
            quiet.contains(&alert),
            "{file}: no test in which {alert} is quiet"
        );
    }
    for record in recorded() {
        assert!(computed.contains(&record), "no test computes {record}");
    }
}

#[test]
fn every_alert_says_how_bad_it_is_with_which_value_and_where_to_read_on() {
    let mut names = BTreeSet::new();
    for (file, alert, rule) in alerts() {
        assert!(alert.starts_with("Vestibule"), "{alert}");
        assert!(names.insert(alert.clone()), "{alert} is there twice");
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(
            matches!(severity, Some("critical" | "warning")),
            "{alert}: {severity:?}"
        );
        let summary = rule.annotations.get("summary").expect(&alert);
        assert!(
            summary.contains("$value") || summary.contains("$labels"),
            "{alert}: {summary}"
        );
        let runbook = rule.annotations.get("runbook").expect(&alert);
        let (page, anchor) = runbook.split_once('#').expect(&alert);
        assert_eq!(anchor, alert.to_lowercase(), "{file}");
        assert!(
            read(page).contains(&format!("\n## {alert}\n")),
            "{page} has no section {alert}"
        );
    }
    // The other way round: no section of an alert that is gone.
    for page in files_below("docs/runbooks") {
        for section in read(&page)
            .lines()
            .filter_map(|line| line.strip_prefix("## Vestibule"))
        {
            assert!(
                names.contains(&format!("Vestibule{section}")),
                "{page}: Vestibule{section}"
            );
        }
    }
}

#[test]
fn rules_ask_only_for_what_is_measured_or_recorded() {
    let recorded = recorded();
    for (file, rule) in all() {
        let asked = series(&rule.expr);
        assert!(
            !asked.is_empty() || rule.expr.contains("up{") || rule.expr.starts_with("vector("),
            "{file}: {rule:?}"
        );
        for name in asked {
            assert!(
                recorded.contains(&name) || metric_of_series(&name).is_some(),
                "{file}: nothing tells {name}"
            );
        }
    }
}

#[test]
fn groups_have_names_of_their_own_so_that_all_files_can_be_loaded_together() {
    let mut names = BTreeSet::new();
    for file in files() {
        for group in parse(&file) {
            assert!(!group.rules.is_empty());
            assert!(names.insert(group.name.clone()), "{} is there twice", group.name);
        }
    }
}

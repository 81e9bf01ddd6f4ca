//! The alert rules: each fires when it should, has its section in the runbook, and asks for metrics that exist.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::source::{files, root};

const RULES: &str = "deploy/observability/prometheus/rules/events.yml";
const TESTS: &str = "deploy/observability/prometheus/tests/events_test.yml";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Taken where the system has no promtool, as `scripts/setup` does.
fn image() -> String {
    let scripts = read("scripts/lib.sh");
    let image = scripts
        .lines()
        .find_map(|line| line.strip_prefix("PROMETHEUS_IMAGE="));
    image.expect("PROMETHEUS_IMAGE").to_owned()
}

/// Runs promtool in the repository: the one of the system, or that of the image.
fn promtool(arguments: &[&str]) {
    let here = root();
    let own = Command::new("promtool").arg("--version").output().is_ok();
    let mut command = if own {
        Command::new("promtool")
    } else {
        let mut docker = Command::new("docker");
        docker.args([
            "run",
            "--rm",
            "--entrypoint",
            "promtool",
            "-w",
            "/repository",
            "-v",
        ]);
        docker
            .arg(format!("{}:/repository:ro", here.display()))
            .arg(image());
        docker
    };
    let output = command
        .args(arguments)
        .current_dir(here)
        .output()
        .expect("promtool: `make test` installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}{failed}");
    assert!(said.contains("SUCCESS"), "{said}{failed}");
}

fn alerts() -> Vec<String> {
    let rules = read(RULES);
    let alerts: Vec<String> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .map(str::to_owned)
        .collect();
    assert!(alerts.len() >= 8, "{alerts:?}");
    alerts
}

/// The words of a text that begin as our metrics do.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| word.starts_with("vestibule_"))
        .map(str::to_owned)
        .collect()
}

/// The metrics that the library of events tells.
fn told() -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for source in files("libs/events/src", "rs") {
        if source.is_test() {
            continue;
        }
        for (_, line) in source.code() {
            for name in ["gauge!(\"", "counter!(\"", "histogram!(\""] {
                if let Some((_, rest)) = line.split_once(name) {
                    told.extend(metrics(rest.split('"').next().unwrap_or_default()));
                }
            }
        }
    }
    assert!(told.len() > 15, "{told:?}");
    told
}

#[test]
fn the_rules_are_valid_and_fire_when_they_should() {
    promtool(&["check", "rules", RULES]);
    promtool(&["test", "rules", TESTS]);
    let tests = read(TESTS);
    for alert in alerts() {
        assert!(
            tests.contains(&format!("alertname: {alert}\n")),
            "{alert} has no test"
        );
    }
}

#[test]
fn every_alert_has_a_section_in_the_runbook() {
    let (rules, runbook) = (read(RULES), read("docs/runbooks/events.md"));
    for alert in alerts() {
        assert!(runbook.contains(&format!("\n## {alert}\n")), "{alert}");
        let anchor = format!("docs/runbooks/events.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&anchor), "{anchor}");
    }
}

#[test]
fn the_rules_ask_for_metrics_that_exist_and_all_metrics_are_documented() {
    let told = told();
    let rules: String = read(RULES)
        .lines()
        .filter(|line| !line.contains("summary"))
        .collect();
    for metric in metrics(&rules) {
        assert!(told.contains(&metric), "nothing tells {metric}");
    }
    let mut page = read("docs/reference/events.md");
    for other in files("docs/reference", "md") {
        page.push_str(&other.text);
    }
    let documented = metrics(&page);
    let missing: Vec<&String> = told.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/reference: {missing:?}");
}

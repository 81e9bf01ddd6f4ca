//! Tests of the configurations of Prometheus and Alertmanager.

use std::collections::BTreeSet;

use super::rules;
use super::tools::{program, promtool};
use crate::files::{read, yaml};
use crate::tools::run_successfully;

const ALERTMANAGER: &str = "deploy/observability/prometheus/alertmanager.yml";

#[test]
fn prometheus_takes_the_configuration_and_loads_every_file_of_rules() {
    promtool(&[
        "check",
        "config",
        "deploy/observability/prometheus/prometheus.yml",
    ]);
    let configuration = yaml("deploy/observability/prometheus/prometheus.yml");
    assert_eq!(configuration["rule_files"][0].as_str(), Some("rules/*.yml"));
    for (index, job) in ["auth", "users"].into_iter().enumerate() {
        let scrape = &configuration["scrape_configs"][index];
        assert_eq!(scrape["job_name"].as_str(), Some(job));
        let targets = scrape["file_sd_configs"][0]["files"][0].as_str().unwrap();
        yaml(&format!("deploy/observability/prometheus/{targets}"));
    }
}

#[test]
fn alertmanager_takes_the_configuration_and_sends_alerts_to_the_right_people() {
    run_successfully(program("amtool").args(["check-config", ALERTMANAGER]));
    for (severity, receiver) in [("critical", "on-call"), ("warning", "team")] {
        let severity = format!("severity={severity}");
        let arguments = [
            "config",
            "routes",
            "test",
            "--config.file",
            ALERTMANAGER,
            &severity,
        ];
        let output = run_successfully(program("amtool").args(arguments));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), receiver);
    }
}

/// An alert that is renamed must not leave a rule behind that silences nothing.
#[test]
fn alertmanager_names_only_alerts_that_there_are() {
    let alerts: BTreeSet<String> = rules::all()
        .into_iter()
        .filter_map(|(_, rule)| rule.alert)
        .collect();
    let text = read(ALERTMANAGER);
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    let named: Vec<&str> = words
        .filter(|word| word.starts_with("Vestibule") && word.len() > 9)
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(alerts.contains(name), "there is no alert {name}");
    }
}

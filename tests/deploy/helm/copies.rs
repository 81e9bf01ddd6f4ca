//! Tests of the generated copies in the chart: rules, dashboards and the table of its README.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::chart::{CHART, PRODUCTION, render};
use crate::files::{files_below, read, root, yaml};

/// Helm reads nothing outside a chart's folder, so rules and dashboards are there once more.
#[test]
fn generated_copies_of_rules_and_dashboards_are_the_same() {
    for (from, into) in [
        ("deploy/observability/prometheus/rules", "files/rules"),
        ("deploy/observability/grafana/dashboards", "files/dashboards"),
    ] {
        let into = format!("{CHART}/{into}");
        if !root().join(from).exists() {
            assert!(!root().join(&into).exists(), "{into} is a copy of nothing");
            continue;
        }
        if testkit::is_generating() {
            copy(from, &into);
        }
        let names = |folder: &str| -> Vec<String> {
            if !root().join(folder).exists() {
                return Vec::new();
            }
            let files = files_below(folder);
            files.iter().map(|file| file[folder.len()..].to_owned()).collect()
        };
        assert_eq!(names(from), names(&into), "`make generate` copies them again");
        for name in names(from) {
            let (one, other) = (read(&format!("{from}{name}")), read(&format!("{into}{name}")));
            assert!(
                one == other,
                "{into}{name} is out of date: `make generate` copies it again"
            );
        }
    }
}

fn copy(from: &str, into: &str) {
    let target = root().join(into);
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(&target).expect("a folder");
    for file in files_below(from) {
        let name = Path::new(&file).file_name().expect("a name");
        fs::copy(root().join(&file), target.join(name)).expect("copied");
    }
}

/// The rules of the Prometheus operator are the same as those of the file.
#[test]
fn the_rules_of_the_release_are_those_of_the_files() {
    let objects = render(PRODUCTION, &[]);
    let files = files_below("deploy/observability/prometheus/rules");
    assert_eq!(objects.all("PrometheusRule").count(), files.len());
    for file in files {
        let stem = Path::new(&file)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let rule = objects.find("PrometheusRule", &format!("vestibule-{stem}"));
        let wanted = serde_json::to_value(yaml(&file)).expect("JSON");
        assert_eq!(rule["spec"], wanted, "{file}");
    }
    // With a place to read the runbooks, every alert leads there, and keeps its path in the repository.
    let linked = render(
        PRODUCTION,
        &["metrics.rules.runbookBase=https://git.example.org/v/"],
    );
    for rule in linked.all("PrometheusRule") {
        let groups = rule["spec"]["groups"].as_array().expect("groups").iter();
        for alert in groups.filter_map(|group| group["rules"].as_array()).flatten() {
            let Some(path) = alert["annotations"]["runbook"].as_str() else {
                continue;
            };
            let link = format!("https://git.example.org/v/{path}");
            assert_eq!(alert["annotations"]["runbook_url"], link);
        }
    }
    for dashboard in objects
        .all("ConfigMap")
        .filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1")
    {
        let texts = dashboard["data"].as_object().expect("data").values();
        for text in texts.filter_map(Value::as_str) {
            serde_json::from_str::<Value>(text).expect("a dashboard is JSON");
        }
    }
}

#[test]
fn generated_table_of_values_is_what_the_schema_says() {
    const BEGIN: &str = "<!-- the table below is generated: make generate -->\n";
    let path = format!("{CHART}/README.md");
    let schema: Value = serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).expect("JSON");
    let values = serde_json::to_value(yaml(&format!("{CHART}/values.yaml"))).expect("JSON");
    let mut table = String::from("\n| Value | What it is | Without it |\n| --- | --- | --- |\n");
    rows(&mut table, "", &schema, &values, &schema);
    let readme = read(&path);
    let (before, _) = readme.split_once(BEGIN).expect("a place for the table");
    let wanted = format!("{before}{BEGIN}{table}");
    testkit::assert_generated(&root().join(&path), &wanted);
}

/// A row for each value; every one has a default, which the schema knows.
fn rows(table: &mut String, prefix: &str, schema: &Value, values: &Value, whole: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if let Some(values) = values.as_object() {
        for key in values.keys() {
            assert!(properties.contains_key(key), "{prefix}{key} is not in the schema");
        }
    }
    for (key, property) in properties.iter().filter(|(key, _)| *key != "global") {
        let target = property["$ref"]
            .as_str()
            .map(|pointer| pointer.trim_start_matches('#'));
        let described = target
            .and_then(|pointer| whole.pointer(pointer))
            .unwrap_or(property);
        let path = format!("{prefix}{key}");
        let value = values.get(key).unwrap_or_else(|| panic!("{path} has no default"));
        let nested = described["properties"].is_object() && target.is_none();
        if nested {
            rows(table, &format!("{path}."), described, value, whole);
            continue;
        }
        let description = described["description"]
            .as_str()
            .unwrap_or_else(|| panic!("{path} has no description"));
        let default = serde_json::to_string(value).expect("JSON");
        writeln!(
            table,
            "| `{path}` | {} | `{default}` |",
            description.replace('|', "\\|")
        )
        .expect("a string grows");
    }
}

//! A parser of the Grafana dashboards.

use std::fmt;

use serde_json::Value;

use crate::files::{files_below, read};

pub(super) const FOLDER: &str = "deploy/observability/grafana/dashboards";

/// A dashboard, with the name of its file.
#[derive(Debug)]
pub(super) struct Dashboard {
    pub(super) name: String,
    pub(super) json: Value,
}

/// The location of an expression in a dashboard.
#[derive(Debug)]
pub(super) struct ExpressionSource {
    pub(super) dashboard: String,
    pub(super) panel: String,
    pub(super) expression: String,
}

impl fmt::Display for ExpressionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.dashboard, self.panel, self.expression)
    }
}

/// Every dashboard.
pub(super) fn all() -> Vec<Dashboard> {
    let boards = files_below(FOLDER).into_iter().map(|path| {
        let name = path.strip_prefix(FOLDER).unwrap().trim_matches('/');
        let name = name
            .strip_suffix(".json")
            .unwrap_or_else(|| panic!("{path} is no dashboard"));
        let json = serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Dashboard {
            name: name.to_owned(),
            json,
        }
    });
    boards.collect()
}

/// An array, which has to be there.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name]
        .as_array()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// A text, which has to be there and not empty.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let text = value[name].as_str().unwrap_or_default();
    assert!(!text.trim().is_empty(), "no {name} in {value}");
    text
}

/// The panels with data: rows are only headings.
pub(super) fn panels(dashboard: &Dashboard) -> Vec<&Value> {
    let all = list(&dashboard.json, "panels").iter();
    all.filter(|panel| panel["type"] != "row").collect()
}

/// Every expression of a dashboard: of its panels, its variables and its annotations.
pub(super) fn expressions(dashboard: &Dashboard) -> Vec<ExpressionSource> {
    let expression_source = |panel: &str, expression: &str| ExpressionSource {
        dashboard: dashboard.name.clone(),
        panel: panel.to_owned(),
        expression: expression.to_owned(),
    };
    let mut found = Vec::new();
    for panel in panels(dashboard) {
        for target in list(panel, "targets") {
            found.push(expression_source(text(panel, "title"), text(target, "expr")));
        }
    }
    for variable in list(&dashboard.json["templating"], "list") {
        if variable["type"] == "query" {
            let query = text(&variable["query"], "query");
            let inner = query
                .strip_prefix("label_values(")
                .unwrap()
                .strip_suffix(')')
                .unwrap();
            let (series, label) = inner.rsplit_once(", ").unwrap();
            // A label that nobody has is no reason for an empty list: asked for as Grafana asks, by the series.
            assert!(!label.contains(['{', '}']), "{query}");
            found.push(expression_source(text(variable, "name"), series));
        }
    }
    for annotation in list(&dashboard.json["annotations"], "list") {
        if let Some(expression) = annotation["expr"].as_str() {
            found.push(expression_source(
                text(annotation, "name"),
                &format!("({expression}) or vector(0)"),
            ));
        }
    }
    found
}

/// Replaces the Grafana variables by their values when everything is selected.
pub(super) fn substituted(expression: &str) -> String {
    let expression = expression
        .replace("$__rate_interval", "1m")
        .replace("$namespace", ".*")
        .replace("$job", ".*")
        .replace("$instance", ".*");
    assert!(
        !expression.contains('$'),
        "a variable that no dashboard has: {expression}"
    );
    expression
}

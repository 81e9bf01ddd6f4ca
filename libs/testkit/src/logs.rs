//! Checks of log lines against the ECS logging specification and `docs/reference/logs.md`.
//!
//! `logs/declared.json` has the actions and fields that the crates declare; `scripts/generate` writes it from the code.
//! `logs/ecs-fields.json` has the definitions of the Elastic Common Schema for the fields that Vestibule uses: name, type,
//! whether it is a list, allowed values, and the event types of each category.

#![expect(clippy::expect_used, reason = "it is there to fail tests")]

mod line;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use line::Pairs;

/// The definition of a field in the Elastic Common Schema.
#[derive(Debug, Deserialize)]
struct EcsField {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    array: bool,
    #[serde(default)]
    values: Vec<String>,
    /// The allowed event types of each category.
    #[serde(default)]
    types: BTreeMap<String, Vec<String>>,
}

fn schema() -> &'static BTreeMap<String, EcsField> {
    static SCHEMA: OnceLock<BTreeMap<String, EcsField>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        serde_json::from_str(include_str!("logs/ecs-fields.json")).expect("the fixture is well-formed")
    })
}

/// The actions and fields that the crates declare.
#[derive(Debug, Deserialize)]
struct Declared {
    actions: Vec<DeclaredAction>,
    /// The kind of each field: `keyword`, `keywords`, `text`, `long`, `ip`, `date`, `labels`.
    fields: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the tests check each action as a whole")
)]
struct DeclaredAction {
    name: String,
    category: Option<String>,
    types: Vec<String>,
}

fn declared() -> &'static Declared {
    static DECLARED: OnceLock<Declared> = OnceLock::new();
    DECLARED.get_or_init(|| {
        serde_json::from_str(include_str!("logs/declared.json")).expect("the generated file is well-formed")
    })
}

/// The first fields of a line, in this order.
const FIRST_FIELDS: [&str; 3] = ["@timestamp", "log.level", "message"];
/// The other required fields.
const REQUIRED_FIELDS: [&str; 5] = [
    "ecs.version",
    "service.name",
    "service.version",
    "event.dataset",
    "log.logger",
];

/// Checks every line of the service logs in a folder: `auth.log`, `users.log`, and those of the second replicas.
///
/// # Panics
/// A line violates a rule.
pub fn check_folder(folder: &Path) {
    for name in ["auth.log", "users.log", "auth.second.log", "users.second.log"] {
        let path = folder.join(name);
        if let Ok(bytes) = std::fs::read(&path) {
            check_log(name, &String::from_utf8_lossy(&bytes));
        }
    }
}

/// Checks every complete line of `text`.
///
/// # Panics
/// A line violates a rule.
pub fn check_log(name: &str, text: &str) {
    // A process that is killed while it writes leaves an incomplete line.
    let whole = text
        .rfind('\n')
        .map_or("", |end| text.get(..end).unwrap_or_default());
    let mut findings = Vec::new();
    for line in whole.lines().filter(|line| !is_startup_error(line)) {
        let found = violations(line);
        if !found.is_empty() {
            findings.push(format!("{}\n    {line}", found.join("; ")));
        }
    }
    let shown: Vec<_> = findings.iter().take(10).cloned().collect();
    assert!(
        findings.is_empty(),
        "{} lines of {name} break the ECS logging specification or docs/reference/logs.md:\n  {}",
        findings.len(),
        shown.join("\n  ")
    );
}

/// True if a line is the error of a program that does not start, written to standard error before there is a
/// log.
fn is_startup_error(line: &str) -> bool {
    line.starts_with("vestibule-auth: ") || line.starts_with("vestibule-users: ")
}

/// The rules that a line violates.
pub fn violations(line: &str) -> Vec<String> {
    let pairs: Pairs = match serde_json::from_str(line) {
        Ok(pairs) => pairs,
        Err(error) => return vec![format!("is no JSON object: {error}")],
    };
    let mut violations = Vec::new();
    let names: Vec<&str> = pairs.0.iter().map(|(name, _)| name.as_str()).collect();
    if names.get(..3) != Some(&FIRST_FIELDS[..]) {
        violations.push(format!("does not begin with {FIRST_FIELDS:?}"));
    }
    for name in REQUIRED_FIELDS.iter().filter(|name| !names.contains(name)) {
        violations.push(format!("lacks {name}"));
    }
    violations.extend(structure(&names));
    for (name, value) in &pairs.0 {
        violations.extend(field(name, value));
    }
    violations.extend(action(&pairs));
    violations.extend(early_end(&pairs));
    violations
}

/// Checks that the line is not about a background task that returned before the shutdown: supervision would start it again
/// for as long as the service runs.
fn early_end(pairs: &Pairs) -> Option<String> {
    let message = pairs.0.iter().find(|(name, _)| name == "message")?.1.as_str()?;
    message
        .contains(chassis::shutdown::ENDED_TOO_EARLY)
        .then(|| "says that a background task returned before the end".to_owned())
}

/// Checks that no name is repeated, and that no name is both a value and an object.
fn structure(names: &[&str]) -> Vec<String> {
    let mut violations = Vec::new();
    let all: HashSet<&str> = names.iter().copied().collect();
    if all.len() < names.len() {
        violations.push("has a field twice".to_owned());
    }
    for name in names {
        for (at, _) in name.match_indices('.') {
            let parent = name.get(..at).unwrap_or_default();
            if all.contains(parent) {
                violations.push(format!("has {parent} as a value and as an object"));
            }
        }
    }
    violations
}

/// Checks that the field is documented and its value has the right type.
fn field(name: &str, value: &Value) -> Option<String> {
    let Some(kind) = declared().fields.get(name) else {
        return Some(format!("has {name}, which is not documented"));
    };
    if name.starts_with("vestibule.") {
        return (!fits(elastic(kind), false, value)).then(|| format!("has a wrong {name}: {value}"));
    }
    let Some(known) = schema().get(name) else {
        return Some(format!("has {name}, which the schema does not know"));
    };
    if !fits(&known.kind, known.array, value) {
        return Some(format!(
            "has a wrong {name}, which is to be {}: {value}",
            known.kind
        ));
    }
    let chosen = match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => Vec::from_iter(value.as_str()),
    };
    let forbidden = chosen
        .iter()
        .find(|one| !known.values.is_empty() && !known.values.iter().any(|allowed| allowed == *one))?;
    Some(format!("has {name} {forbidden}, which the schema does not allow"))
}

/// The Elasticsearch type of a declared kind of field.
fn elastic(kind: &str) -> &str {
    match kind {
        "keywords" => "keyword",
        "text" => "match_only_text",
        "labels" => "object",
        kind => kind,
    }
}

fn fits(kind: &str, array: bool, value: &Value) -> bool {
    if let (true, Value::Array(values)) = (array, value) {
        return !values.is_empty() && values.iter().all(|value| fits(kind, false, value));
    }
    match (kind, value) {
        _ if array => false,
        ("keyword" | "wildcard" | "match_only_text", Value::String(_)) => true,
        ("long", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("ip", Value::String(text)) => text.parse::<std::net::IpAddr>().is_ok(),
        ("date", Value::String(text)) => is_utc(text),
        ("object", Value::Object(entries)) => entries
            .iter()
            .all(|(name, value)| !name.contains('.') && value.is_string()),
        _ => false,
    }
}

/// True if a text is ISO 8601 in UTC, with a `T`, a `Z` and a fraction of a second.
fn is_utc(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    ["0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00.000000Z"].contains(&shape.as_str())
        && text.parse::<chassis::clock::Timestamp>().is_ok()
}

/// Checks the fields that belong to `event.action`.
fn action(pairs: &Pairs) -> Vec<String> {
    let mut violations = Vec::new();
    let Some(name) = pairs.get("event.action").and_then(Value::as_str) else {
        if pairs.get("event.outcome").is_some() || pairs.get("event.category").is_some() {
            violations.push("has an outcome or a category and no event.action".to_owned());
        }
        return violations;
    };
    if !declared().actions.iter().any(|action| action.name == name) {
        violations.push(format!("has the action {name}, which is not documented"));
    }
    for needed in ["event.kind", "event.type", "event.outcome"] {
        if pairs.get(needed).is_none() {
            violations.push(format!("has an action and no {needed}"));
        }
    }
    let listed = |name: &str| -> Vec<&str> {
        let values = pairs.get(name).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let expected = &schema()
        .get("event.category")
        .expect("it is in the fixture")
        .types;
    for category in listed("event.category") {
        let types = expected.get(category).map(Vec::as_slice).unwrap_or_default();
        for kind in listed("event.type") {
            if !types.iter().any(|expected| expected == kind) {
                violations.push(format!(
                    "has event.type {kind}, which does not go with {category}"
                ));
            }
        }
    }
    violations
}

//! Responses that several operations have stand once, in the components (OpenAPI 3.1 §4.8.7).

use std::collections::BTreeMap;

use ::http::StatusCode;
use serde_json::{Map, Value, json};

/// The path of shared responses in a document.
const COMPONENTS: &str = "/components/responses";

/// Moves the errors that several operations answer alike into the components.
pub(super) fn share_responses(document: &mut Value) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for_each_error(document, &mut |_, response| {
        *counts.entry(response.to_string()).or_default() += 1;
    });
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = Map::new();
    for_each_error(document, &mut |status, response| {
        let text = response.to_string();
        if counts.get(&text).is_none_or(|count| *count < 2) {
            return;
        }
        let name = names.entry(text).or_insert_with(|| {
            let name = free_name(status, &shared);
            shared.insert(name.clone(), response.clone());
            name
        });
        *response = json!({ "$ref": format!("#{COMPONENTS}/{name}") });
    });
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), json!(shared));
    }
}

/// A response of an operation, which may stand in the components.
pub(super) fn resolve<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    response
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
        .unwrap_or(response)
}

/// A name such as `NotFound`, or `NotFound2` when there is one.
fn free_name(status: &str, taken: &Map<String, Value>) -> String {
    let reason = status
        .parse::<StatusCode>()
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
        .replace(' ', "");
    let mut name = reason.clone();
    let mut number = 1;
    while taken.contains_key(&name) {
        number += 1;
        name = format!("{reason}{number}");
    }
    name
}

/// Calls `visit` for every response of an operation that is an error, with its status.
fn for_each_error(document: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = paths
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            if status.starts_with(['4', '5']) {
                visit(status, response);
            }
        }
    }
}

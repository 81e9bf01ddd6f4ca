//! The comparison of what a target has with what it should have, and the operations of PATCH that make up for the difference
//! (RFC 7644 §3.5.2).

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::mapping::{DesiredResource, is_assigned};

/// The schema of a PATCH request.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A difference in one attribute: its path, and the value that it should have, or none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) value: Option<Value>,
}

/// The differences between `remote` and `desired`. What a target adds (a `display`, a type, attributes of its own) is no difference.
pub(crate) fn differences(desired: &DesiredResource, remote: &Map<String, Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, value) in &desired.attributes {
        if name == "schemas" {
            continue;
        }
        let there = get(remote, name);
        if !is_urn(name) {
            compare_attribute(name, value, there, &mut found);
            continue;
        }
        let (Value::Object(wanted), there) = (value, there.and_then(Value::as_object)) else {
            continue;
        };
        for (name_within, value) in wanted {
            let there = there.and_then(|there| get(there, name_within));
            compare_attribute(&format!("{name}:{name_within}"), value, there, &mut found);
        }
    }
    for path in &desired.absent {
        if at(remote, path).is_some_and(is_assigned) {
            found.push(Difference {
                path: path.clone(),
                value: None,
            });
        }
    }
    found
}

fn compare_attribute(path: &str, value: &Value, there: Option<&Value>, found: &mut Vec<Difference>) {
    if there.is_some_and(|there| holds(there, value)) {
        return;
    }
    match (value, there) {
        // Of a complex attribute that is there, only the parts that differ: a target may have more.
        (Value::Object(parts), Some(Value::Object(there))) => {
            for (part, value) in parts {
                if !get(there, part).is_some_and(|there| holds(there, value)) {
                    found.push(Difference {
                        path: format!("{path}.{part}"),
                        value: Some(value.clone()),
                    });
                }
            }
        }
        _ => found.push(Difference {
            path: path.to_owned(),
            value: Some(value.clone()),
        }),
    }
}

/// True if `there` has all that is wanted.
fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => wanted
            .iter()
            // RFC 7643 §2.4: without a value, `primary` is false.
            .filter(|(name, value)| !(name.as_str() == "primary" && **value == Value::Bool(false)))
            .all(|(name, value)| get(there, name).is_some_and(|there| holds(there, value))),
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && wanted
                    .iter()
                    .all(|value| there.iter().any(|there| holds(there, value)))
        }
        // Some targets write truth values as text.
        (Value::String(there), Value::Bool(wanted)) => there.eq_ignore_ascii_case(&wanted.to_string()),
        (there, wanted) => there == wanted,
    }
}

fn is_urn(name: &str) -> bool {
    name.starts_with("urn:")
}

/// A member by its name, without regard to case (RFC 7643 §2.1).
pub(crate) fn get<'a>(holder: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    holder.get(name).or_else(|| {
        holder
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The value at a path without a filter.
fn at<'a>(remote: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (holder, path) = match is_urn(path).then(|| path.rsplit_once(':')).flatten() {
        Some((urn, rest)) => (get(remote, urn)?.as_object()?, rest),
        None => (remote, path),
    };
    match path.split_once('.') {
        Some((name, sub)) => get(get(holder, name)?.as_object()?, sub),
        None => get(holder, path),
    }
}

/// The body of a PATCH that makes up for the differences.
pub(crate) fn patch_of(differences: &[Difference]) -> Value {
    let operation = |difference: &Difference| match &difference.value {
        Some(value) => json!({ "op": "replace", "path": difference.path, "value": value }),
        None => json!({ "op": "remove", "path": difference.path }),
    };
    patch(differences.iter().map(operation).collect())
}

/// The body of a PATCH with these operations.
pub(crate) fn patch(operations: Vec<Value>) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

/// The body of a PUT: what the target has, with the desired values in their places.
pub(crate) fn replacement(desired: &DesiredResource, remote: &Map<String, Value>) -> Map<String, Value> {
    let mut body = remote.clone();
    for fixed in ["meta", "groups"] {
        body.retain(|name, _| !name.eq_ignore_ascii_case(fixed));
    }
    for (name, value) in &desired.attributes {
        body.retain(|other, _| other == name || !other.eq_ignore_ascii_case(name));
        match (body.get_mut(name), value) {
            (Some(Value::Object(there)), Value::Object(wanted)) => {
                for (part, value) in wanted {
                    there.retain(|other, _| other == part || !other.eq_ignore_ascii_case(part));
                    there.insert(part.clone(), value.clone());
                }
            }
            (Some(Value::Array(there)), Value::Array(wanted)) if name == "schemas" => {
                for schema in wanted {
                    if !there.contains(schema) {
                        there.push(schema.clone());
                    }
                }
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    for path in &desired.absent {
        remove(&mut body, path);
    }
    body
}

fn remove(body: &mut Map<String, Value>, path: &str) {
    let (holder, path) = match is_urn(path).then(|| path.rsplit_once(':')).flatten() {
        Some((urn, rest)) => (body.get_mut(urn).and_then(Value::as_object_mut), rest),
        None => (Some(body), path),
    };
    let Some(holder) = holder else { return };
    match path.split_once('.') {
        Some((name, sub)) => {
            if let Some(Value::Object(complex)) = holder.get_mut(name) {
                complex.retain(|other, _| !other.eq_ignore_ascii_case(sub));
            }
        }
        None => holder.retain(|other, _| !other.eq_ignore_ascii_case(path)),
    }
}

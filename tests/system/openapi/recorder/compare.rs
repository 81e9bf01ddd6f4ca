//! The comparison of recorded examples with the committed ones.

use serde_json::Value;

/// Texts that tell how things are at the moment.
const LOOSE: [&str; 2] = ["detail", "last_error"];
/// Members that come and go with the moment.
const OPTIONAL: [&str; 10] = [
    "next_attempt_at",
    "last_attempt_at",
    "last_status",
    "last_error",
    "finished_at",
    "lag",
    "reconciliation",
    "traceparent",
    "next",
    "retired_at",
];

pub(super) fn is_list_of_texts(items: &[Value]) -> bool {
    items.iter().all(Value::is_string)
}

/// Puts each committed example in the place of a recorded one that differs by numbers alone, as counts and times do.
pub(super) fn keep_what_is_equal(committed: &Value, recorded: &mut Value) {
    for (id, example) in recorded.as_object_mut().unwrap() {
        let Some(known) = committed.get(id) else { continue };
        let mut differences = Vec::new();
        compare(known, example, "", &mut differences);
        if differences.is_empty() && details(known) == details(example) {
            example.clone_from(known);
        }
    }
}

/// The texts of errors in a value, without their numbers.
fn details(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("detail").and_then(Value::as_str);
            let own = own.map(|text| text.replace(|character: char| character.is_ascii_digit(), ""));
            own.into_iter()
                .chain(members.values().flat_map(details))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(details).collect(),
        _ => Vec::new(),
    }
}

/// Compares the members of two answers, their types and the texts in them, and adds each difference to
/// `differences`.
pub(super) fn compare(committed: &Value, recorded: &Value, at: &str, differences: &mut Vec<String>) {
    match (committed, recorded) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one
                .keys()
                .chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => compare(one, other, &format!("{at}/{name}"), differences),
                    _ if OPTIONAL.contains(&name.as_str()) => {}
                    // A target that is silent may have been pushed to already.
                    _ if at.ends_with("/paused") && name == "error" => {}
                    _ => differences.push(format!("{at}/{name} is in one of them only")),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if is_list_of_texts(one) && one.len() == other.len() => {
            for (place, (one, other)) in one.iter().zip(other).enumerate() {
                compare(one, other, &format!("{at}/{place}"), differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if is_list_of_texts(one) && is_list_of_texts(other) => {
            differences.push(format!("{at}: {committed} became {recorded}"));
        }
        (Value::Array(one), Value::Array(other)) => match (one.first(), other.first()) {
            (Some(one), Some(other)) => compare(one, other, &format!("{at}/0"), differences),
            (None, None) => {}
            _ => differences.push(format!("{at} is empty in one of them")),
        },
        // An event may be on its way at the moment.
        (Value::Null, Value::String(_)) | (Value::String(_), Value::Null) if at.ends_with("/oldest") => {}
        (Value::Number(_), Value::Number(_)) if !at.ends_with("/response/status") => {}
        (Value::String(_), Value::String(_)) if LOOSE.iter().any(|name| at.ends_with(name)) => {}
        _ if committed != recorded => differences.push(format!("{at}: {committed} became {recorded}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example that is written after `recorded` was recorded in place of `committed`.
    fn written(committed: &Value, recorded: &Value) -> Value {
        let mut recorded = json!({ "call": recorded });
        keep_what_is_equal(&json!({ "call": committed }), &mut recorded);
        recorded["call"].take()
    }

    #[test]
    fn an_example_that_differs_by_numbers_stays_as_it_is_committed() {
        let committed = json!({ "total": 3, "checks": [{ "detail": "15 from 1 to 15, without a gap" }] });
        let by_numbers = json!({ "total": 4, "checks": [{ "detail": "16 from 1 to 16, without a gap" }] });
        assert_eq!(written(&committed, &by_numbers), committed);
        for other in [
            json!({ "total": 3, "checks": [{ "detail": "16 from 1 to 16, and 2 are missing" }] }),
            json!({ "total": "3", "checks": [{ "detail": "15 from 1 to 15, without a gap" }] }),
            json!({ "total": 3, "checks": [] }),
        ] {
            assert_eq!(written(&committed, &other), other);
        }
    }
}

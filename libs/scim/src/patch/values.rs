//! The identity of the values of a multi-valued attribute, and the primary one of them (RFC 7643 §2.4).

use serde_json::{Map, Value};

use crate::Error;
use crate::schema::{Attribute, fold};

/// True if two values are about the same: equal in `value` and `type` (RFC 7643 §2.4), or equal if they have no `value`. Which one is
/// primary does not tell them apart. Both are folded.
pub(super) fn is_same(known: &Value, value: &Value) -> bool {
    match (known.as_object(), value.as_object()) {
        (Some(known), Some(value)) if known.contains_key("value") && value.contains_key("value") => {
            known.get("value") == value.get("value") && known.get("type") == value.get("type")
        }
        (Some(known), Some(value)) => {
            let has_all = |one: &Map<String, Value>, other: &Map<String, Value>| {
                let mut members = one.iter().filter(|(name, _)| *name != "primary");
                members.all(|(name, value)| other.get(name) == Some(value))
            };
            has_all(known, value) && has_all(value, known)
        }
        _ => known == value,
    }
}

/// A value with its texts as they are compared (RFC 7643 §2.2, `caseExact`).
pub(super) fn folded(value: &Value, attribute: &Attribute) -> Value {
    match value {
        Value::String(text) => Value::String(fold(text, attribute.case_exact)),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let sub = attribute.find_sub(name);
                (
                    name.clone(),
                    sub.map_or_else(|| value.clone(), |sub| folded(value, sub)),
                )
            });
            Value::Object(members.collect())
        }
        value => value.clone(),
    }
}

/// True if a value of a multi-valued attribute is the primary one.
pub(super) fn is_primary(item: &Value) -> bool {
    item.get("primary") == Some(&Value::Bool(true))
}

/// Makes sure that one value at most is primary: the one that was written so wins over the others (RFC 7644 §3.5.2).
pub(super) fn one_primary(items: &mut [Value], written: &[usize], path: &str) -> Result<(), Error> {
    let mut primary = written
        .iter()
        .filter(|index| items.get(**index).is_some_and(is_primary));
    let Some(first) = primary.next().copied() else {
        return Ok(());
    };
    if primary.any(|index| *index != first) {
        return Err(Error::invalid_value(path, "only one value may be primary"));
    }
    for (index, item) in items.iter_mut().enumerate() {
        if index != first
            && is_primary(item)
            && let Some(members) = item.as_object_mut()
        {
            members.shift_remove("primary");
        }
    }
    Ok(())
}

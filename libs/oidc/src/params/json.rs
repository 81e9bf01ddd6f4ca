//! The depth of JSON in parameters.

use serde_json::Value;

/// True if `value` has `levels` levels of arrays and objects at most.
pub(crate) fn is_shallow(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return !value.is_array() && !value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, below)),
        Value::Object(members) => members.values().all(|member| is_shallow(member, below)),
        _ => true,
    }
}

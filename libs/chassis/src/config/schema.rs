//! JSON Schema of a configuration.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of the configuration `T`, with a `KEY_file` beside every key that holds a text.
pub fn schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    add_file_keys(&mut schema);
    schema
}

fn add_file_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(add_file_keys);
            add_to_object(object);
        }
        Value::Array(items) => items.iter_mut().for_each(add_file_keys),
        _ => {}
    }
}

fn add_to_object(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get_mut("properties") else {
        return;
    };
    let texts: Vec<String> = properties
        .iter()
        .filter(|(_, property)| holds_text(property))
        .map(|(name, _)| name.clone())
        .collect();
    for name in &texts {
        properties.insert(
            format!("{name}_file"),
            json!({ "type": "string", "description": format!("The path of a file that holds the value of `{name}`.") }),
        );
    }
    // A key that must be there may come from its file instead.
    let Some(Value::Array(required)) = object.get_mut("required") else {
        return;
    };
    let either: Vec<Value> = required
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| texts.iter().any(|text| text == name))
        .map(|name| json!({ "oneOf": [{ "required": [name] }, { "required": [format!("{name}_file")] }] }))
        .collect();
    required.retain(|name| !texts.iter().any(|text| Some(text.as_str()) == name.as_str()));
    if !either.is_empty() {
        object.insert("allOf".to_owned(), Value::Array(either));
    }
}

fn holds_text(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    }
}

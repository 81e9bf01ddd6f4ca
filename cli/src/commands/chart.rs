//! The generated part of the Helm chart's `values.schema.json`: `auth.config`, `users.config` and `auth.clients`.
//!
//! It is generated from the code that reads the configuration, so a typo is refused before any service starts.

use std::fs;
use std::path::Path;

use chassis::config::schema;
use serde_json::{Map, Value, json};

/// The configuration sections that the chart does not write itself.
const AUTH_SECTIONS: [&str; 13] = [
    "log",
    "limits",
    "webhooks",
    "passwords",
    "throttle",
    "sessions",
    "tokens",
    "registration",
    "brand",
    "authenticate",
    "keys",
    "allow_insecure_issuer",
    "authorization",
];
const USERS_SECTIONS: [&str; 5] = ["log", "limits", "webhooks", "user_names", "scim"];

#[test]
fn generated_schema_of_the_chart_knows_the_configuration() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm/vestibule/values.schema.json");
    let text = fs::read_to_string(&path).expect("values.schema.json");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    let auth = schema::<auth::config::Settings>();
    let users = schema::<users::config::Settings>();
    let definitions = document["$defs"].as_object_mut().expect("$defs");
    definitions.insert("authConfig".to_owned(), section_schemas(&auth, &AUTH_SECTIONS));
    definitions.insert("usersConfig".to_owned(), section_schemas(&users, &USERS_SECTIONS));
    definitions.insert("client".to_owned(), client_schema(&auth));
    let mut wanted = serde_json::to_string_pretty(&document).expect("JSON");
    wanted.push('\n');
    testkit::assert_generated(&path, &wanted);
}

fn section_schemas(settings: &Value, names: &[&str]) -> Value {
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| {
            let table = &settings["properties"][name];
            assert!(table.is_object(), "{name} is gone");
            ((*name).to_owned(), inline_schema(table, settings, &[]))
        })
        .collect();
    json!({
        "type": "object",
        "description": "Any other table of the service's configuration file.",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn client_schema(settings: &Value) -> Value {
    let mut client = inline_schema(
        &settings["properties"]["clients"]["additionalProperties"],
        settings,
        &[],
    );
    client["properties"]["hasSecret"] = json!({
        "type": "boolean",
        "description": "Whether its secret is the key `client-ID` of `auth.existingSecret`; a public client has none.",
    });
    client
}

/// A part of the schema without references, defaults and keys of secrets. Chart values end up in a ConfigMap, so they
/// must not contain secrets. A type that contains itself, which `inside` lists, is any object there.
fn inline_schema(part: &Value, whole: &Value, inside: &[&str]) -> Value {
    match part {
        Value::Object(object) => {
            let mut made = Map::new();
            let mut inside = inside.to_vec();
            if let Some(Value::String(reference)) = object.get("$ref") {
                if inside.contains(&reference.as_str()) {
                    return json!({ "type": "object" });
                }
                inside.push(reference);
                let pointer = reference.trim_start_matches('#');
                let target = whole.pointer(pointer).expect("the reference leads somewhere");
                if let Value::Object(target) = inline_schema(target, whole, &inside) {
                    made = target;
                }
            }
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("$ref" | "default" | "format", _) => {}
                    ("properties", Value::Object(properties)) => {
                        let kept = properties.iter().filter(|(name, _)| !is_secret(name));
                        let kept: Map<String, Value> = kept
                            .map(|(name, value)| (name.clone(), inline_schema(value, whole, &inside)))
                            .collect();
                        made.insert(key.clone(), kept.into());
                    }
                    _ => {
                        made.insert(key.clone(), inline_schema(value, whole, &inside));
                    }
                }
            }
            made.into()
        }
        Value::Array(items) => items
            .iter()
            .map(|item| inline_schema(item, whole, inside))
            .collect(),
        other => other.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    name.ends_with("_file") || name.contains("secret")
}

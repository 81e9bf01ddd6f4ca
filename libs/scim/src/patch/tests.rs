//! Tests of PATCH: the standard's rules, and what provisioning clients send.

mod clients;
mod configured;
mod group;
mod rules;

use serde_json::{Map, Value, json};

use super::*;
use crate::schema::{ENTERPRISE_USER, Registry};

/// The URN of the attributes of the test's configuration.
const CONFIGURED: &str = crate::schema::CONFIGURED_USER;

/// An extension with attributes of every kind.
const STRICT: &str = "urn:example:params:scim:schemas:extension:strict:1.0:User";

fn registry() -> Registry {
    let config = json!({"attributes": [
        {"name": "badge", "mutability": "immutable"}, {"name": "tags", "multi_valued": true},
        {"name": "floor", "type": "integer"},
    ], "extensions": [{"schema": STRICT, "name": "Strict", "attributes": [
        {"name": "box", "type": "complex", "required": true, "sub_attributes": [{"name": "a"}, {"name": "b"}]},
        {"name": "hrId", "mutability": "readOnly"},
        {"name": "seal", "mutability": "immutable"},
        {"name": "schemas"},
        {"name": "cards", "type": "complex", "multi_valued": true, "read": ["administrator"], "sub_attributes": [
            {"name": "value"}, {"name": "label"}, {"name": "code", "mutability": "immutable"},
            {"name": "pin", "mutability": "writeOnly"},
        ]},
    ]}]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// A user with something of everything.
fn ann() -> Value {
    json!({
        "id": "1", "userName": "ann", "title": "Guide", "active": true,
        "name": {"givenName": "Ann", "familyName": "Archer"},
        "emails": [
            {"value": "ann@work.example", "type": "work", "primary": true},
            {"value": "ann@home.example", "type": "home"},
        ],
        "groups": [{"value": "g1"}],
        "x509Certificates": [{"value": "TWFu"}],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7", "displayName": "Bob"}},
        CONFIGURED: {"badge": "b1", "tags": ["red", "blue"]},
    })
}

/// Applies operations to a resource, and returns what it is then. A refused PATCH must leave it as it was.
fn patched(resource: &Value, operations: Value) -> Result<(Value, Outcome), Error> {
    let registry = registry();
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    let operations = parse(&body)?;
    let mut edited: Map<String, Value> = resource.as_object().unwrap().clone();
    match apply(&mut edited, &operations, registry.users()) {
        Ok(outcome) => {
            assert_eq!(outcome.changed, Value::Object(edited.clone()) != *resource);
            assert_eq!(registry.users().canonical(&edited).unwrap(), edited);
            assert!(!edited.contains_key("password"));
            Ok((Value::Object(edited), outcome))
        }
        Err(error) => {
            assert_eq!(Value::Object(edited), *resource, "all or nothing");
            Err(error)
        }
    }
}

/// `ann` with some members replaced; `null` takes one away.
fn ann_with(changes: Value) -> Value {
    let mut resource = ann();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => {
                resource.as_object_mut().unwrap().remove(name);
            }
            value => resource[name.as_str()] = value.clone(),
        }
    }
    resource
}

//! Replacement: what a body cannot change, or does not know of.

use serde_json::{Map, Value, json};

use crate::schema::{
    Accessor, CONFIGURED_USER, CORE_USER, ENTERPRISE_USER, PROFILE_USER, Registry, check_replacement, read,
};
use crate::{Error, ScimType};

fn registry() -> Registry {
    let config = json!({"attributes": [
        {"name": "badge", "mutability": "immutable"},
        {"name": "hrId", "mutability": "readOnly"},
        {"name": "pin", "mutability": "writeOnly"},
        {"name": "salary", "read": ["administrator"], "write": ["client"]},
        {"name": "theme", "write": ["self"]},
        {"name": "cards", "type": "complex", "multi_valued": true, "sub_attributes": [
            {"name": "value"}, {"name": "type"}, {"name": "code", "mutability": "immutable"},
            {"name": "issued", "mutability": "readOnly"},
        ]},
    ]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

/// The result of a replacement of `old` with a body that has `members`, as `accessor` sends it. What it must not change, it does not
/// change.
fn replaced(old: &Value, members: &Value, accessor: Accessor) -> Result<Value, Error> {
    let registry = registry();
    let users = registry.users();
    let mut body = json!({"schemas": [CORE_USER], "userName": "ann"});
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let old: &Map<String, Value> = old.as_object().unwrap();
    let mut new = read(&body, users)?;
    check_replacement(old, &mut new, users, accessor)?;
    users.check(&new).unwrap();
    users.check_writes(accessor, old, &new)?;
    Ok(Value::Object(new))
}

#[test]
fn a_replacement_leaves_what_its_caller_cannot_change_or_see() {
    // RFC 7644 §3.5.1 (3)
    // RFC 7644 §3.5.1
    let old = |members: Value| {
        let mut old = json!({"userName": "ann"});
        old.as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        old
    };
    let configured = |members: Value| json!({CONFIGURED_USER: members});
    let card = |members: Value| configured(json!({"cards": [members]}));
    for (case, before, body, expected) in [
        (
            "readOnly, of the server",
            json!({"id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}], "schemas": [CORE_USER]}),
            json!({"id": "2", "groups": [{"value": "admins"}]}),
            Ok(json!({"id": "1", "meta": {"version": "1"}, "groups": [{"value": "g"}]})),
        ),
        (
            "readOnly, of the configuration",
            configured(json!({"hrId": "7"})),
            json!({CONFIGURED_USER: {"hrId": "8"}}),
            Ok(configured(json!({"hrId": "7"}))),
        ),
        (
            "readOnly, of the profile",
            json!({PROFILE_USER: {"emailVerified": true}}),
            json!({}),
            Ok(json!({PROFILE_USER: {"emailVerified": true}})),
        ),
        (
            "readOnly sub-attribute",
            json!({ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Bob"}}}),
            json!({ENTERPRISE_USER: {"manager": {"value": "7"}}}),
            Ok(json!({ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Bob"}}})),
        ),
        (
            "readOnly sub-attribute of another value",
            json!({ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Bob"}}}),
            json!({ENTERPRISE_USER: {"manager": {"value": "8"}}}),
            Ok(json!({ENTERPRISE_USER: {"manager": {"value": "8"}}})),
        ),
        (
            "readOnly sub-attribute of one of several values",
            configured(json!({"cards": [
                {"value": "a", "type": "x", "issued": "1"}, {"value": "a", "type": "y", "issued": "2"},
            ]})),
            card(json!({"value": "A", "type": "y"})),
            Ok(card(json!({"value": "A", "type": "y", "issued": "2"}))),
        ),
        (
            "immutable",
            json!({}),
            configured(json!({"badge": "7"})),
            Ok(configured(json!({"badge": "7"}))),
        ),
        (
            "immutable",
            configured(json!({"badge": "7"})),
            configured(json!({"badge": "7"})),
            Ok(configured(json!({"badge": "7"}))),
        ),
        (
            "immutable",
            configured(json!({"badge": "7"})),
            json!({}),
            Ok(configured(json!({"badge": "7"}))),
        ),
        (
            "immutable",
            configured(json!({"badge": "7"})),
            configured(json!({"badge": "8"})),
            Err(Some(ScimType::Mutability)),
        ),
        (
            "immutable sub-attribute",
            card(json!({"value": "a", "code": "1"})),
            card(json!({"value": "a"})),
            Ok(card(json!({"value": "a", "code": "1"}))),
        ),
        (
            "immutable sub-attribute",
            card(json!({"value": "a", "code": "1"})),
            card(json!({"value": "a", "code": "2"})),
            Err(Some(ScimType::Mutability)),
        ),
        (
            "never returned",
            configured(json!({"pin": "12"})),
            json!({}),
            Ok(configured(json!({"pin": "12"}))),
        ),
        (
            "what the client cannot write",
            configured(json!({"theme": "dark"})),
            json!({}),
            Ok(configured(json!({"theme": "dark"}))),
        ),
        (
            "what the client cannot write",
            configured(json!({"theme": "dark"})),
            configured(json!({"theme": "light"})),
            Err(None),
        ),
        (
            "what the client cannot read",
            configured(json!({"salary": "1"})),
            json!({}),
            Ok(configured(json!({"salary": "1"}))),
        ),
        (
            "what the client cannot read",
            configured(json!({"salary": "1"})),
            configured(json!({"salary": "2"})),
            Ok(configured(json!({"salary": "2"}))),
        ),
        (
            "what the client can read and write",
            json!({"title": "Guide", ENTERPRISE_USER: {"department": "Sales"}}),
            json!({}),
            Ok(json!({})),
        ),
    ] {
        let outcome =
            replaced(&old(before.clone()), &body, Accessor::Client).map_err(|error| error.scim_type);
        assert_eq!(outcome, expected.map(old), "{case}: {before} {body}");
    }
}

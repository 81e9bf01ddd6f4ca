//! PATCH of attributes of the configuration, with mutabilities that the standard's attributes do not have.

use serde_json::{Value, json};

use super::*;
use crate::ScimType;

/// `ann` with the extension `STRICT`.
fn strict(members: Value) -> Value {
    ann_with(json!({STRICT: members}))
}

fn urn(name: &str) -> String {
    format!("{STRICT}:{name}")
}

#[test]
fn attributes_of_the_configuration_follow_the_standard() {
    let full =
        json!({"box": {"a": "1"}, "hrId": "7", "cards": [{"value": "v", "label": "old", "code": "1"}]});
    let cards = |card: Value| json!({"box": {"a": "1"}, "hrId": "7", "cards": [card]});
    for (section, operation, before, expected) in [
        (
            "§3.5.2.2, all of an extension, with what is required",
            json!({"op": "remove", "path": STRICT}),
            json!({"box": {"a": "1"}, "cards": [{"value": "v"}]}),
            Value::Null,
        ),
        (
            "§3.5.2.2, all of an extension but what the server wrote",
            json!({"op": "remove", "path": STRICT}),
            full.clone(),
            json!({"hrId": "7"}),
        ),
        (
            "§3.5.2.3, an extension without a value",
            json!({"op": "replace", "value": {STRICT: null}}),
            full.clone(),
            json!({"hrId": "7"}),
        ),
        (
            "§3.5.2.1, a value that is there",
            json!({"op": "add", "path": urn("cards"), "value": {"value": "V", "label": "new"}}),
            full.clone(),
            cards(json!({"value": "V", "label": "new", "code": "1"})),
        ),
        (
            "§3.5.2.1, an attribute with the name of a common one",
            json!({"op": "add", "path": urn("schemas"), "value": "x"}),
            json!({"box": {"a": "1"}}),
            json!({"box": {"a": "1"}, "schemas": "x"}),
        ),
        (
            "§3.5.2.1, what only clients write",
            json!({"op": "add", "path": urn("cards[label eq \"old\"].pin"), "value": "12"}),
            full,
            cards(json!({"value": "v", "label": "old", "code": "1", "pin": "12"})),
        ),
    ] {
        let (edited, _) = patched(&strict(before), json!([operation]))
            .unwrap_or_else(|error| panic!("{section}: {operation}: {error}"));
        assert_eq!(edited, strict(expected), "{section}: {operation}");
    }
}

#[test]
fn attributes_of_the_configuration_are_refused_by_their_characteristics() {
    use ScimType::{InvalidFilter, InvalidValue, Mutability};
    let full = json!({"box": {"a": "1"}, "hrId": "7", "cards": [{"value": "v", "code": "1", "pin": "12"}]});
    for (section, operation, before, scim_type) in [
        (
            "§3.5.2.2, required",
            json!({"op": "replace", "path": urn("box"), "value": {"a": null}}),
            full.clone(),
            Mutability,
        ),
        (
            "§3.5.2.2, required",
            json!({"op": "remove", "path": urn("box.a")}),
            full.clone(),
            Mutability,
        ),
        (
            "§3.5.2.2, required",
            json!({"op": "remove", "path": urn("box")}),
            full.clone(),
            Mutability,
        ),
        (
            "§3.12, required",
            json!({"op": "add", "path": urn("seal"), "value": "x"}),
            Value::Null,
            InvalidValue,
        ),
        (
            "§3.5.2, immutable",
            json!({"op": "remove", "path": STRICT}),
            json!({"box": {"a": "1"}, "seal": "x"}),
            Mutability,
        ),
        (
            "§3.5.2, immutable sub-attribute of a value that is there",
            json!({"op": "add", "path": urn("cards"), "value": {"value": "v", "code": "2"}}),
            full.clone(),
            Mutability,
        ),
        (
            "RFC 7643 §7, never returned",
            json!({"op": "replace", "path": urn("cards[pin eq \"12\"].label"), "value": "x"}),
            full.clone(),
            InvalidFilter,
        ),
        (
            "RFC 7643 §7, never returned, as a name",
            json!({"op": "replace", "value": {STRICT: {"cards[pin sw \"1\"].label": "x"}}}),
            full,
            InvalidFilter,
        ),
    ] {
        let refused = patched(&strict(before), json!([operation]))
            .err()
            .unwrap_or_else(|| panic!("{section}: {operation}"));
        assert_eq!(
            refused.scim_type,
            Some(scim_type),
            "{section}: {operation}: {refused}"
        );
    }
}

#[test]
fn a_path_selects_by_what_the_caller_may_read() {
    // SB-35: whether a filter selects something tells the value.
    let registry = registry();
    let before = strict(json!({"box": {"a": "1"}, "cards": [{"value": "v"}]}));
    let apply_to = |accessor: Accessor, operation: &Value| {
        let body = json!({"schemas": [PATCH_URN], "Operations": [operation]});
        let mut resource = before.as_object().unwrap().clone();
        apply_as(accessor, &mut resource, &parse(&body).unwrap(), registry.users())
    };
    for operation in [
        json!({"op": "replace", "path": urn("cards[value eq \"v\"].label"), "value": "x"}),
        json!({"op": "remove", "path": urn("cards[value eq \"v\"]")}),
        json!({"op": "add", "value": {STRICT: {"cards[value eq \"v\"].label": "x"}}}),
    ] {
        assert!(apply_to(Accessor::Administrator, &operation).unwrap().changed);
        let refused = apply_to(Accessor::Client, &operation).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidFilter), "{operation}");
    }
    let open = json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@x.example"});
    assert!(apply_to(Accessor::Client, &open).unwrap().changed);
}

#[test]
fn the_members_of_a_resource_keep_their_order() {
    let resource = ann();
    let order = |resource: &Value| serde_json::to_string(resource).unwrap();
    let (edited, _) = patched(
        &resource,
        json!([{"op": "replace", "path": "title", "value": "Guide"}]),
    )
    .unwrap();
    assert_eq!(order(&edited), order(&resource));
    let operations = json!([
        {"op": "replace", "path": "userName", "value": "anna"}, {"op": "remove", "path": "title"},
        {"op": "replace", "path": "name.givenName", "value": "Anna"},
    ]);
    let (edited, _) = patched(&resource, operations).unwrap();
    let mut expected = order(&resource);
    for (old, new) in [
        ("\"userName\":\"ann\"", "\"userName\":\"anna\""),
        ("\"title\":\"Guide\",", ""),
        ("\"givenName\":\"Ann\"", "\"givenName\":\"Anna\""),
    ] {
        expected = expected.replacen(old, new, 1);
    }
    assert_eq!(order(&edited), expected);
}

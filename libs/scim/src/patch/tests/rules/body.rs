//! Tests of the body of a PATCH, and of operations that follow each other (RFC 7644 §3.5.2).

use serde_json::{Value, json};

use super::*;

#[test]
fn operations_follow_each_other() {
    // RFC 7644 §3.5.2: each applies to what the one before left.
    let (edited, outcome) = patched(
        &ann(),
        json!([
            {"op": "add", "path": "emails", "value": {"value": "c@x.example", "type": "other"}},
            {"op": "replace", "path": "emails[type eq \"other\"].primary", "value": true},
            {"op": "remove", "path": "emails[primary eq false and type ne \"home\"]"},
            {"op": "remove", "path": "department"},
            {"op": "remove", "path": "manager.value"},
        ]),
    )
    .unwrap();
    let expected = ann_with(json!({
        "emails": [home_email(), {"value": "c@x.example", "type": "other", "primary": true}],
        ENTERPRISE_USER: {"manager": {"displayName": "Bob"}},
    }));
    assert_eq!(edited, expected);
    assert!(outcome.changed && outcome.members.is_empty());
    // RFC 7644 §3.5.2.1: no change is no new version.
    let (_, outcome) = patched(&ann(), json!([
        {"op": "replace", "path": "title", "value": "Boss"}, {"op": "replace", "path": "title", "value": "Guide"},
    ]))
    .unwrap();
    assert!(!outcome.changed);
}

#[test]
fn an_immutable_attribute_is_set_once() {
    // RFC 7643 §7 (3), RFC 7644 §3.5.2 (3)
    // RFC 7644 §3.5.2
    let set = |value: &str| json!([{"op": "add", "path": "badge", "value": value}]);
    let (edited, _) = patched(&ann_with(json!({CONFIGURED: null})), set("b2")).unwrap();
    assert_eq!(edited[CONFIGURED], json!({"badge": "b2"}));
    assert!(!patched(&ann(), set("b1")).unwrap().1.changed);
    assert_eq!(
        patched(&ann(), set("b2")).unwrap_err().scim_type,
        Some(ScimType::Mutability)
    );
}

#[test]
fn a_body_has_its_form() {
    // RFC 7644 §3.5.2 (1)
    // RFC 7644 §3.5.2
    let operation = json!({"op": "REPLACE", "PATH": "title", "Value": null});
    let read = parse(&json!({"SCHEMAS": [PATCH_URN.to_uppercase()], "operations": [operation]})).unwrap();
    let expected = Operation {
        kind: OperationKind::Replace,
        path: Some("title".to_owned()),
        value: Some(Value::Null),
    };
    assert_eq!(read, [expected]);
    let of = |operations: Value| json!({"schemas": [PATCH_URN], "Operations": operations});
    let many = vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1];
    for (body, status, named) in [
        (json!([]), 400, "object"),
        (
            json!({"Operations": [{"op": "remove", "path": "title"}]}),
            400,
            "schemas",
        ),
        (json!({"schemas": ["urn:x"], "Operations": []}), 400, "schemas"),
        (json!({"schemas": [PATCH_URN]}), 400, "Operations"),
        (of(json!({})), 400, "Operations"),
        (of(json!([])), 400, "at least one"),
        (of(json!([7])), 400, "Operations[0]"),
        (
            of(json!([{"op": "remove", "path": "x"}, {"op": "move"}])),
            400,
            "Operations[1]: op",
        ),
        (of(json!([{"path": "title"}])), 400, "op"),
        (of(json!([{"op": "add", "OP": "add"}])), 400, "twice"),
        (of(json!([{"op": "add", "path": 7}])), 400, "path"),
        (of(json!(many)), 413, "1000"),
    ] {
        let refused = parse(&body).unwrap_err();
        assert_eq!(refused.status, status, "{named}: {refused}");
        assert!(refused.detail.contains(named), "{named}: {refused}");
    }
}

#[test]
fn the_data_of_a_bulk_operation_may_leave_its_schema_out() {
    let operations = json!([{"op": "replace", "path": "displayName", "value": "Ann"}]);
    let without = json!({"Operations": operations});
    assert_eq!(crate::patch::parse_of_bulk(&without).unwrap().len(), 1);
    assert!(crate::patch::parse(&without).is_err());
    let other = json!({"schemas": ["urn:example:other"], "Operations": operations});
    assert!(crate::patch::parse_of_bulk(&other).is_err());
}

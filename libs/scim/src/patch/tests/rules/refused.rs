//! Tests of operations that cannot be applied (RFC 7644 §3.5.2).

use serde_json::{Value, json};

use super::*;

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    // RFC 7644 §3.5.2 (2) (3), RFC 7644 §3.5.2.1 (1) (2), RFC 7644 §3.5.2.2 (1) (3), RFC 7644 §3.5.2.3 (1) (5)
    // SB-34, SB-35
    use ScimType::{InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    let many: Vec<Value> = (0..50)
        .map(|number| json!({"value": format!("{number}@x.example")}))
        .collect();
    for (section, operation, scim_type, named) in [
        ("§3.5.2.2", json!({"op": "remove"}), NoTarget, "path"),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "userName"}),
            Mutability,
            "userName",
        ),
        (
            "§3.5.2.2",
            json!({"op": "replace", "path": "userName", "value": null}),
            Mutability,
            "userName",
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "groups"}),
            Mutability,
            "groups",
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "groups[value eq \"g1\"]"}),
            Mutability,
            "groups",
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "id"}),
            Mutability,
            "id",
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "badge"}),
            Mutability,
            "badge",
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "manager.displayName"}),
            Mutability,
            "displayName",
        ),
        (
            "§3.5.2",
            json!({"op": "add", "path": "groups", "value": [{"value": "admins"}]}),
            Mutability,
            "groups",
        ),
        (
            "§3.5.2",
            json!({"op": "add", "path": "groups[value eq \"g2\"]", "value": {"display": "x"}}),
            Mutability,
            "groups",
        ),
        (
            "§3.5.2",
            json!({"op": "replace", "path": "id", "value": "2"}),
            Mutability,
            "id",
        ),
        (
            "§3.5.2",
            json!({"op": "replace", "value": {"id": "2"}}),
            Mutability,
            "id",
        ),
        (
            "§3.5.2",
            json!({"op": "replace", "path": "meta.version", "value": "W/\"9\""}),
            Mutability,
            "meta",
        ),
        (
            "§3.5.2",
            json!({"op": "replace", "path": "manager.displayName", "value": "Eve"}),
            Mutability,
            "displayName",
        ),
        (
            "§3.5.2",
            json!({"op": "replace", "path": "badge", "value": "b2"}),
            Mutability,
            "badge",
        ),
        (
            "§3.5.2.3",
            json!({"op": "replace", "path": "emails[type eq \"fax\"]", "value": {"value": "x@x.example"}}),
            NoTarget,
            "fax",
        ),
        (
            "§3.5.2.3",
            json!({"op": "replace", "path": "emails[type sw \"fax\"].value", "value": "x@x.example"}),
            NoTarget,
            "fax",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "emails[not (type pr)].value", "value": "x@x.example"}),
            NoTarget,
            "emails",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "favourite", "value": 1}),
            InvalidPath,
            "favourite",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "emails[", "value": 1}),
            InvalidFilter,
            "attribute",
        ),
        (
            "§3.5.2",
            json!({"op": "add", "path": "emails.type", "value": "x"}),
            InvalidPath,
            "several values",
        ),
        (
            "§3.5.2.3, a filter that contradicts itself",
            json!({"op": "add", "path": "emails[type eq \"a\" and type eq \"b\"].value", "value": "x@x.example"}),
            NoTarget,
            "selects no value",
        ),
        (
            "§3.12",
            json!({"op": "remove", "path": "emails", "value": [{"nick": "x"}]}),
            InvalidSyntax,
            "emails[0].nick",
        ),
        (
            "§3.12",
            json!({"op": "remove", "path": "emails", "value": [{"value": 7}]}),
            InvalidValue,
            "emails[0].value",
        ),
        (
            "SB-35",
            json!({"op": "remove", "path": "emails", "value": vec![""; 51]}),
            InvalidValue,
            "50 values",
        ),
        (
            "RFC 7643 §2.1",
            json!({"op": "add", "value": {"title": "a", "TITLE": "b"}}),
            InvalidSyntax,
            "TITLE: occurs twice",
        ),
        (
            "RFC 7643 §2.1",
            json!({"op": "add", "path": ENTERPRISE_USER, "value": {"department": "a", "Department": "b"}}),
            InvalidSyntax,
            "Department: occurs twice",
        ),
        (
            "RFC 7643 §2.1",
            json!({"op": "add", "path": "name", "value": {"givenName": "a", "givenname": "b"}}),
            InvalidSyntax,
            "name.givenname: occurs twice",
        ),
        (
            "§3.12, RFC 7643 §2.5",
            json!({"op": "add", "path": "emails", "value": [{"value": "", "type": "other"}]}),
            InvalidValue,
            "is required",
        ),
        (
            "§3.12, RFC 7643 §2.5",
            json!({"op": "replace", "path": "userName", "value": ""}),
            Mutability,
            "userName",
        ),
        (
            "§3.5.2.1",
            json!({"op": "add", "path": "title"}),
            InvalidSyntax,
            "value",
        ),
        (
            "§3.5.2.1",
            json!({"op": "add", "value": "x"}),
            InvalidSyntax,
            "object",
        ),
        (
            "§3.12",
            json!({"op": "add", "value": {"favourite": 1}}),
            InvalidSyntax,
            "favourite",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "name", "value": {"nick": "x"}}),
            InvalidSyntax,
            "name.nick",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "title", "value": 7}),
            InvalidValue,
            "title",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "title", "value": ["a", "b"]}),
            InvalidValue,
            "one value",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "name", "value": "Ann"}),
            InvalidValue,
            "object",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "floor", "value": "7"}),
            InvalidValue,
            "floor",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "active", "value": "yes"}),
            InvalidValue,
            "active",
        ),
        (
            "SB-34",
            json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "a\r\nb"}),
            InvalidValue,
            "control",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "emails", "value": [{"type": "other"}]}),
            InvalidValue,
            "is required",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "emails[type eq \"fax\"].primary", "value": true}),
            InvalidValue,
            "is required",
        ),
        (
            "RFC 7643 §2.4",
            json!({"op": "replace", "path": "emails[value pr].primary", "value": true}),
            InvalidValue,
            "primary",
        ),
        (
            "RFC 7643 §2.4",
            json!({"op": "add", "path": "emails", "value": [
                {"value": "a@x.example", "primary": true}, {"value": "b@x.example", "primary": true},
            ]}),
            InvalidValue,
            "primary",
        ),
        (
            "SB-35",
            json!({"op": "add", "path": "emails", "value": many}),
            InvalidValue,
            "50 values",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": ENTERPRISE_USER, "value": "x"}),
            InvalidValue,
            "object",
        ),
        (
            "§3.12",
            json!({"op": "add", "path": ENTERPRISE_USER, "value": {"salary": 1}}),
            InvalidSyntax,
            "salary",
        ),
    ] {
        // The first operation would change something.
        let operations = json!([{"op": "replace", "path": "title", "value": "Boss"}, operation]);
        let refused = patched(&ann(), operations)
            .err()
            .unwrap_or_else(|| panic!("{section}: {operation}"));
        assert_eq!(
            refused.scim_type,
            Some(scim_type),
            "{section}: {operation}: {refused}"
        );
        assert!(
            refused.detail.contains(named),
            "{section}: {operation}: {refused}"
        );
    }
}

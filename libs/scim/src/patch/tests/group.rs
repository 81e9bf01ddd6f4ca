//! Members of groups, whose changes need no members.

use serde_json::{Value, json};

use super::*;
use crate::ScimType;

fn group() -> Value {
    json!({"id": "g", "displayName": "Sales"})
}

fn patch_group(operations: Value) -> Result<(Value, Outcome), Error> {
    let registry = registry();
    let operations = parse(&json!({"schemas": [PATCH_URN], "Operations": operations})).unwrap();
    let mut edited = group().as_object().unwrap().clone();
    let outcome = apply(&mut edited, &operations, registry.groups())?;
    Ok((Value::Object(edited), outcome))
}

/// `replace_all`, the ids that are added, and those that are removed.
type Changes = (bool, Vec<&'static str>, Vec<&'static str>);

#[test]
fn members_change_without_being_loaded() {
    let rows: Vec<(&str, Value, Changes)> = vec![
        (
            "§3.5.2.1",
            json!([{"op": "add", "path": "members", "value": [{"display": "Babs", "$ref": "../Users/1", "value": "1"}]}]),
            (false, vec!["1"], vec![]),
        ),
        (
            "§3.5.2.1, no path",
            json!([{"op": "add", "value": {"members": [{"value": "1"}, {"value": "2"}]}}]),
            (false, vec!["1", "2"], vec![]),
        ),
        (
            "§3.5.2.2",
            json!([{"op": "remove", "path": "members"}]),
            (true, vec![], vec![]),
        ),
        (
            "§3.5.2.2",
            json!([{"op": "remove", "path": "members[value eq \"1\"]"}]),
            (false, vec![], vec!["1"]),
        ),
        (
            "§3.5.2.2",
            json!([{"op": "remove", "path": "members[value eq \"1\" or value eq \"2\"]"}]),
            (false, vec![], vec!["1", "2"]),
        ),
        (
            "§3.5.2.3",
            json!([{"op": "replace", "path": "members", "value": [{"value": "1"}]}]),
            (true, vec!["1"], vec![]),
        ),
        (
            "RFC 7643 §2.5",
            json!([{"op": "replace", "path": "members", "value": null}]),
            (true, vec![], vec![]),
        ),
        (
            "RFC 7643 §2.5",
            json!([{"op": "add", "path": "members", "value": []}]),
            (false, vec![], vec![]),
        ),
        (
            "§3.5.2, in order",
            json!([
                {"op": "remove", "path": "members[value eq \"1\"]"}, {"op": "add", "path": "members", "value": [{"value": "1"}]},
                {"op": "add", "path": "members", "value": [{"value": "2"}]}, {"op": "remove", "path": "members[value eq \"2\"]"},
            ]),
            (false, vec!["1"], vec!["2"]),
        ),
        (
            "§3.5.2, in order",
            json!([
                {"op": "add", "path": "members", "value": [{"value": "0"}]},
                {"op": "replace", "path": "members", "value": [{"value": "1"}, {"value": "2"}]},
                {"op": "remove", "path": "members[value eq \"2\"]"}, {"op": "add", "path": "members", "value": [{"value": "3"}]},
            ]),
            (true, vec!["1", "3"], vec![]),
        ),
        (
            "Entra, add",
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "f648"}]}]),
            (false, vec!["f648"], vec![]),
        ),
        (
            "Entra, remove",
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "f648"}]}]),
            (false, vec![], vec!["f648"]),
        ),
        (
            "Entra, remove with the flag",
            json!([{"op": "remove", "path": "members[value eq \"7f4b\"]"}]),
            (false, vec![], vec!["7f4b"]),
        ),
        (
            "Entra, remove none",
            json!([{"op": "Remove", "path": "members", "value": []}]),
            (false, vec![], vec![]),
        ),
        (
            "Okta, add",
            json!([{"op": "add", "path": "members", "value": [{"value": "23", "display": "a@example.com"}]}]),
            (false, vec!["23"], vec![]),
        ),
        (
            "Okta, add and remove",
            json!([
                {"op": "remove", "path": "members[value eq \"89\"]"}, {"op": "add", "path": "members", "value": [{"value": "23", "display": "x"}]},
            ]),
            (false, vec!["23"], vec!["89"]),
        ),
        (
            "Okta, replace",
            json!([{"op": "replace", "path": "members", "value": [{"value": "23"}, {"value": "24"}]}]),
            (true, vec!["23", "24"], vec![]),
        ),
        (
            "our own, a value that is made",
            json!([{"op": "add", "path": "members[value eq \"5\"]", "value": {"value": "5"}}]),
            (false, vec!["5"], vec![]),
        ),
    ];
    for (section, operations, (replace_all, add, remove)) in rows {
        let (edited, outcome) = patch_group(operations).unwrap_or_else(|error| panic!("{section}: {error}"));
        let members = &outcome.members;
        assert_eq!(members.replace_all, replace_all, "{section}");
        assert_eq!(members.add.keys().collect::<Vec<_>>(), add, "{section}");
        assert_eq!(members.remove.iter().collect::<Vec<_>>(), remove, "{section}");
        assert_eq!(
            (edited, outcome.changed),
            (group(), false),
            "{section}: the members stand apart"
        );
    }
}

#[test]
fn attributes_of_a_group_change_beside_its_members() {
    // Okta sends the id along.
    let (edited, outcome) = patch_group(json!([
        {"op": "replace", "value": {"id": "g", "displayName": "Sales 2"}},
        {"op": "add", "path": "members", "value": [{"value": "1", "type": "Group"}, {"value": "2", "$ref": "https://x.example/scim/v2/Groups/2"}]},
    ]))
    .unwrap();
    assert_eq!(edited, json!({"id": "g", "displayName": "Sales 2"}));
    assert!(outcome.changed);
    let types: Vec<Option<&str>> = outcome
        .members
        .add
        .values()
        .map(|it| it.resource_type.as_deref())
        .collect();
    assert_eq!(types, [Some("Group"), Some("Group")]);
}

#[test]
fn members_are_added_and_removed_and_nothing_else() {
    use ScimType::{InvalidFilter, InvalidValue, Mutability};
    for (section, operation, scim_type) in [
        (
            "RFC 7643 §4.2",
            json!({"op": "replace", "path": "members[value eq \"1\"].display", "value": "x"}),
            Mutability,
        ),
        (
            "RFC 7643 §4.2",
            json!({"op": "replace", "path": "members[value eq \"1\"]", "value": {"value": "2"}}),
            Mutability,
        ),
        (
            "RFC 7643 §4.2",
            json!({"op": "add", "path": "members.type", "value": "Group"}),
            Mutability,
        ),
        (
            "RFC 7643 §4.2",
            json!({"op": "remove", "path": "members[value eq \"1\"].type"}),
            Mutability,
        ),
        (
            "§3.12",
            json!({"op": "remove", "path": "members[type eq \"Group\"]"}),
            InvalidFilter,
        ),
        (
            "§3.12",
            json!({"op": "remove", "path": "members[not (value eq \"1\")]"}),
            InvalidFilter,
        ),
        (
            "§3.12",
            json!({"op": "remove", "path": "members[value eq \"1\" and type eq \"User\"]"}),
            InvalidFilter,
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "members", "value": [{"display": "Ann"}]}),
            InvalidValue,
        ),
        (
            "§3.12",
            json!({"op": "add", "path": "members[value eq \"1\"]", "value": {"value": "2"}}),
            InvalidValue,
        ),
        (
            "§3.5.2.2",
            json!({"op": "remove", "path": "displayName"}),
            Mutability,
        ),
    ] {
        let refused = patch_group(json!([operation]))
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
fn a_replacement_names_all_members() {
    // RFC 7644 §3.5.1
    let body = json!({
        "schemas": [crate::schema::CORE_GROUP], "displayName": "Sales", "members": [{"value": "1"}, {"value": "2", "type": "Group"}],
    });
    let read = crate::schema::read(&body, registry().groups()).unwrap();
    let changes = MemberChanges::of_replacement(read.get("members"));
    assert!(changes.replace_all);
    assert_eq!(changes.add.keys().collect::<Vec<_>>(), ["1", "2"]);
    assert!(
        !MemberChanges::of_replacement(None).is_empty(),
        "a group without members has none"
    );
}

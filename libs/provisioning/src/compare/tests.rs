//! Tests of the comparison with a target.

use scim::schema::ENTERPRISE_USER;

use super::*;

fn desired(attributes: Value, absent: &[&str]) -> DesiredResource {
    DesiredResource {
        attributes: attributes.as_object().unwrap().clone(),
        absent: absent.iter().map(|path| (*path).to_owned()).collect(),
    }
}

fn remote(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn what_a_target_adds_or_spells_differently_is_no_difference() {
    let wanted = desired(
        json!({
            "schemas": ["a"], "userName": "ann", "active": true, "name": { "givenName": "Ann" },
            "emails": [{ "value": "a@b.example", "primary": false }, { "value": "c@d.example", "primary": true }]
        }),
        &["title", "nickName"],
    );
    let there = remote(json!({
        "schemas": ["b"], "id": "1", "username": "ann", "active": "True", "title": "",
        "name": { "givenName": "Ann", "formatted": "Ann" },
        "emails": [{ "value": "c@d.example", "primary": true, "type": "work" }, { "value": "a@b.example", "display": "A" }]
    }));
    assert_eq!(differences(&wanted, &there), []);
}

#[test]
fn each_difference_is_an_operation() {
    let wanted = desired(
        json!({
            "userName": "ann", "active": false, "name": { "givenName": "Ann", "familyName": "Archer" },
            "emails": [{ "value": "a@b.example" }], ENTERPRISE_USER: { "department": "Tools" }
        }),
        &["title", "name.middleName", "urn:x:User:unit"],
    );
    let there = remote(json!({
        "userName": "ann", "active": true, "name": { "givenName": "Anna", "familyName": "Archer", "middleName": "B" },
        "emails": [{ "value": "a@b.example" }, { "value": "old@b.example" }], "title": "Boss",
        "urn:x:User": { "unit": "u", "other": 1 }
    }));
    let found = differences(&wanted, &there);
    let expected = json!([
        { "op": "replace", "path": "active", "value": false },
        { "op": "replace", "path": "name.givenName", "value": "Ann" },
        { "op": "replace", "path": "emails", "value": [{ "value": "a@b.example" }] },
        { "op": "replace", "path": format!("{ENTERPRISE_USER}:department"), "value": "Tools" },
        { "op": "remove", "path": "title" },
        { "op": "remove", "path": "name.middleName" },
        { "op": "remove", "path": "urn:x:User:unit" }
    ]);
    assert_eq!(patch_of(&found)["Operations"], expected);
}

#[test]
fn a_replacement_leaves_what_is_not_mapped() {
    let wanted = desired(
        json!({ "schemas": ["a", "b"], "userName": "ann", "name": { "givenName": "Ann" } }),
        &["title"],
    );
    let there = remote(json!({
        "schemas": ["a", "c"], "id": "1", "username": "old", "title": "Boss", "roles": ["r"], "meta": {}, "groups": [],
        "name": { "givenName": "Anna", "formatted": "F" }
    }));
    assert_eq!(
        Value::Object(replacement(&wanted, &there)),
        json!({
            "schemas": ["a", "c", "b"], "id": "1", "roles": ["r"],
            "name": { "givenName": "Ann", "formatted": "F" }, "userName": "ann"
        })
    );
}

//! Requests as Microsoft Entra ID and Okta document that they send them.

use serde_json::{Value, json};

use super::*;

fn email(value: &str) -> Value {
    json!({"value": value, "type": "work", "primary": true})
}

#[test]
fn what_entra_sends_is_applied() {
    let home = ann()["emails"][1].clone();
    let enterprise = |changes: Value| {
        let mut extension = ann()[ENTERPRISE_USER].clone();
        extension
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        extension
    };
    let urn = |name: &str| format!("{ENTERPRISE_USER}:{name}");
    for (case, operations, changes) in [
        (
            "disable, without the flag",
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!({"active": false}),
        ),
        (
            "disable, with the flag",
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!({"active": false}),
        ),
        (
            "enable",
            json!([{"op": "Replace", "path": "active", "value": "True"}]),
            json!({}),
        ),
        (
            "add a single value",
            json!([{"op": "Add", "path": "nickName", "value": "Babs"}]),
            json!({"nickName": "Babs"}),
        ),
        (
            "replace several, without the flag",
            json!([
                {"op": "Replace", "path": "displayName", "value": "Pvlo"},
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@test.example"},
                {"op": "Replace", "path": "name.givenName", "value": "Gtfd"},
                {"op": "Replace", "path": "name.familyName", "value": "Pkqf"},
                {"op": "Replace", "path": "externalId", "value": "Eqpj"},
                {"op": "Replace", "path": urn("employeeNumber"), "value": "Eqpj"},
            ]),
            json!({
                "displayName": "Pvlo", "externalId": "Eqpj", "name": {"givenName": "Gtfd", "familyName": "Pkqf"},
                "emails": [email("new@test.example"), home], ENTERPRISE_USER: enterprise(json!({"employeeNumber": "Eqpj"})),
            }),
        ),
        (
            "an extension as a whole, which names its schema",
            json!([{"op": "replace", "path": ENTERPRISE_USER, "value": {"schemas": [ENTERPRISE_USER], "employeeNumber": "Eqpj"}}]),
            json!({ENTERPRISE_USER: enterprise(json!({"employeeNumber": "Eqpj"}))}),
        ),
        (
            "replace several, with the flag",
            json!([
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@test.example"},
                {"op": "replace", "value": {
                    "displayName": "Bjfe", "name.givenName": "Kkom", "name.familyName": "Unua", urn("employeeNumber"): "Aklq",
                }},
            ]),
            json!({
                "displayName": "Bjfe", "name": {"givenName": "Kkom", "familyName": "Unua"},
                "emails": [email("new@test.example"), home], ENTERPRISE_USER: enterprise(json!({"employeeNumber": "Aklq"})),
            }),
        ),
        (
            "schemas by their path",
            json!([{"op": "add", "path": "schemas", "value": [ENTERPRISE_USER]}]),
            json!({}),
        ),
        (
            "a value path as a name",
            json!([{"op": "replace", "value": {"emails[type eq \"work\"].value": "new@test.example"}}]),
            json!({"emails": [email("new@test.example"), home]}),
        ),
        (
            "add an address that is not there",
            json!([
                {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "CH"},
                {"op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Bern"},
                {"op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"},
            ]),
            json!({
                "addresses": [{"type": "work", "country": "CH", "locality": "Bern"}],
                "phoneNumbers": [{"type": "mobile", "value": "1"}],
            }),
        ),
        (
            "add a role",
            json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Admin"}]),
            json!({"roles": [{"primary": true, "value": "Admin"}]}),
        ),
        (
            "the manager in a list, example 5",
            json!([{"op": "Add", "path": "manager", "value": [{"$ref": "http://x.example/Users/8", "value": "8"}]}]),
            json!({ENTERPRISE_USER: enterprise(json!({
                "manager": {"value": "8", "$ref": "http://x.example/Users/8", "displayName": "Bob"},
            }))}),
        ),
        (
            "the manager as an id",
            json!([{"op": "Replace", "path": urn("manager"), "value": "8"}]),
            json!({ENTERPRISE_USER: enterprise(json!({"manager": {"value": "8", "displayName": "Bob"}}))}),
        ),
        (
            "an extension with a dot, before 2018",
            json!([{"op": "Replace", "path": format!("{ENTERPRISE_USER}.department"), "value": "Hr"}]),
            json!({ENTERPRISE_USER: enterprise(json!({"department": "Hr"}))}),
        ),
        (
            "remove an attribute",
            json!([{"op": "Remove", "path": urn("department")}]),
            json!({ENTERPRISE_USER: {"manager": ann()[ENTERPRISE_USER]["manager"]}}),
        ),
        (
            "remove an e-mail address",
            json!([{"op": "Remove", "path": "emails[type eq \"work\"].value"}]),
            json!({"emails": [home]}),
        ),
    ] {
        let (edited, _) = patched(&ann(), operations).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(edited, ann_with(changes), "{case}");
    }
}

#[test]
fn what_okta_sends_is_applied() {
    for (case, operations, changes) in [
        (
            "deactivate",
            json!([{"op": "replace", "value": {"active": false}}]),
            json!({"active": false}),
        ),
        (
            "activate",
            json!([{"op": "replace", "value": {"active": true}}]),
            json!({}),
        ),
        (
            "password",
            json!([{"op": "replace", "value": {"password": "t1meMa$heen"}}]),
            json!({}),
        ),
        (
            "its own id",
            json!([{"op": "replace", "value": {"id": "1", "title": "Boss"}}]),
            json!({"title": "Boss"}),
        ),
        (
            "what it read",
            json!([{"op": "replace", "value": {"schemas": ["x"], "meta": {"version": "W/\"1\""}, "groups": [{"value": "g1"}]}}]),
            json!({}),
        ),
    ] {
        let (edited, _) = patched(&ann(), operations).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(edited, ann_with(changes), "{case}");
    }
}

//! Bodies of resources.

use serde_json::{Value, json};

use crate::ScimType;
use crate::schema::{CORE_GROUP, CORE_USER, ENTERPRISE_USER, Registry, Returned, read};

fn registry() -> &'static Registry {
    Registry::standard()
}

#[test]
fn a_group_is_read_with_what_entra_adds() {
    let groups = registry().groups();
    let body = json!({
        "schemas": [CORE_GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "Sales", "meta": {"resourceType": "Group"},
        "members": [{"$ref": null, "value": "1", "display": "Ann", "type": "User"}],
    });
    let expected = json!({
        "externalId": "8aa1a0c0", "displayName": "Sales", "members": [{"value": "1", "type": "User"}],
    });
    assert_eq!(Value::Object(read(&body, groups).unwrap()), expected);
    // RFC 7643 §2.5, §4.2; RFC 7644 §3.12
    for (nameless, detail) in [
        (json!({"members": []}), "displayName: is required"),
        (json!({"displayName": ""}), "displayName: is required"),
        (
            json!({"displayName": "x", "members": [{"value": ""}]}),
            "members[0].value: is required",
        ),
    ] {
        let mut body = json!({"schemas": [CORE_GROUP]});
        body.as_object_mut()
            .unwrap()
            .extend(nameless.as_object().unwrap().clone());
        let refused = read(&body, groups).unwrap_err();
        assert_eq!(
            (refused.scim_type, refused.detail.as_str()),
            (Some(ScimType::InvalidValue), detail)
        );
    }
    let refused = json!({"schemas": [CORE_GROUP], "displayName": "x", "members": [{"display": "Ann"}]});
    assert_eq!(
        read(&refused, groups).unwrap_err().detail,
        "members[0].value: is required"
    );
}

#[test]
fn attributes_that_are_unknown_are_refused_unless_they_have_no_value() {
    // RFC 7643 §2.5; Entra, example 2
    let body = |name: &str, value: Value| json!({"schemas": [CORE_USER], "userName": "a", name: value});
    let users = registry().users();
    assert!(read(&body("department", json!(null)), users).is_ok());
    assert!(read(&body(ENTERPRISE_USER, json!(null)), users).is_ok());
    // An extension without a value is not there, whatever it requires.
    let urn = "urn:example:params:scim:schemas:extension:2.0:User";
    let config = json!({"extensions": [{"schema": urn, "name": "X", "attributes": [
        {"name": "a", "required": true}, {"name": "b"},
    ]}]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    for (value, is_read) in [
        (json!(null), true),
        (json!({}), true),
        (json!({"a": null}), true),
        (json!({"b": "x"}), false),
        (json!({"a": "", "b": "x"}), false),
    ] {
        let outcome = read(&body(urn, value.clone()), registry.users());
        assert_eq!(outcome.is_ok(), is_read, "{value}");
    }
    let refused = read(&body("department", json!("Sales")), users).unwrap_err();
    assert_eq!(refused.scim_type, Some(ScimType::InvalidSyntax));
}

#[test]
fn a_password_is_read_and_never_shown() {
    // RFC 7643 §4.1.1 (2)
    let body = json!({"schemas": [CORE_USER], "userName": "ann", "password": "correct horse"});
    let user = crate::User::from_json(&body, registry().users()).unwrap();
    assert_eq!(
        user.password.as_ref().map(crate::Password::expose),
        Some("correct horse")
    );
    assert!(!format!("{user:?}").contains("correct horse"));
    let meta = crate::Meta {
        id: "1",
        created: "",
        last_modified: "",
        location: "",
        version: 1,
    };
    assert!(!user.to_json(&meta).to_string().contains("correct horse"));
    assert_eq!(
        registry().users().find("password").unwrap().returned,
        Returned::Never
    );
    let shown = registry().users().response_schema();
    assert!(shown["properties"].get("password").is_none());
    assert_eq!(
        registry().users().request_schema()["properties"]["password"]["writeOnly"],
        true
    );
}

#[test]
fn a_stored_resource_is_checked_with_what_the_server_sets() {
    let users = registry().users();
    let check = |resource: Value| users.check(resource.as_object().unwrap());
    let mut resource = json!({
        "id": "1", "userName": "ann", "groups": [{"value": "g", "display": "G"}],
        "meta": {"lastModified": "2026-01-01T00:00:00Z"}, ENTERPRISE_USER: {"manager": {"displayName": "Bob"}},
    });
    assert_eq!(check(resource.clone()), Ok(()));
    resource["groups"][0]["value"] = json!(7);
    assert_eq!(
        check(resource).unwrap_err().detail,
        "groups[0].value: expected text"
    );
    assert!(check(json!({"id": "1"})).is_err(), "userName is required");
    assert!(check(json!({"userName": "a", "unknown": null})).is_err());
}

#[test]
fn a_response_says_which_values_are_not_primary() {
    // RFC 7643 §2.4 (3)
    // RFC 7643 §2.4
    let mut resource = json!({
        "emails": [{"value": "a@example.com", "primary": true}, {"value": "b@example.com"}],
        "groups": [{"value": "g"}], "roles": [{"value": "r"}], "userName": "ann",
    });
    registry().users().show_primary(resource.as_object_mut().unwrap());
    let emails =
        json!([{"value": "a@example.com", "primary": true}, {"value": "b@example.com", "primary": false}]);
    assert_eq!(resource["emails"], emails);
    assert_eq!(resource["roles"][0]["primary"], false);
    assert!(
        resource["groups"][0].get("primary").is_none(),
        "groups have no such sub-attribute"
    );
}

#[test]
fn the_manager_may_be_the_text_of_an_id() {
    let manager = |manager: Value| {
        let body = json!({"schemas": [CORE_USER], "userName": "ann", ENTERPRISE_USER: {"manager": manager}});
        read(&body, registry().users())
            .unwrap()
            .get(ENTERPRISE_USER)
            .cloned()
    };
    assert_eq!(manager(json!("7")), Some(json!({"manager": {"value": "7"}})));
    assert_eq!(manager(json!({"value": "7"})), manager(json!("7")));
    assert_eq!(manager(json!("")), None);
    let name = json!({"schemas": [CORE_USER], "userName": "ann", "name": "Ann"});
    let refused = read(&name, registry().users()).unwrap_err();
    assert_eq!(refused.detail, "name: expected an object");
}

#[test]
fn the_schemas_of_an_extension_say_nothing_new() {
    let body = json!({
        "schemas": [CORE_USER, ENTERPRISE_USER], "userName": "ann",
        ENTERPRISE_USER: {"schemas": [ENTERPRISE_USER], "department": "Archery"},
    });
    let resource = read(&body, registry().users()).unwrap();
    assert_eq!(resource[ENTERPRISE_USER], json!({"department": "Archery"}));
}

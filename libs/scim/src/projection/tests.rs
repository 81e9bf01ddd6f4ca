//! Tests of projections.

use serde_json::json;

use super::*;
use crate::schema::{CONFIGURED_USER, ENTERPRISE_USER, Registry};

fn registry() -> Registry {
    let config = json!({"attributes": [
        {"name": "badge", "returned": "always"}, {"name": "salary", "returned": "request"},
        {"name": "pin", "returned": "never"}, {"name": "floor"},
    ]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

fn ann() -> Value {
    json!({
        "schemas": ["x"], "id": "1", "userName": "ann", "password": "secret", "name": {"givenName": "Ann", "familyName": "Archer"},
        "emails": [{"value": "a@b.example", "type": "work"}, {"value": "c@d.example"}], "meta": {"version": "1"},
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7", "displayName": "Bob"}},
        CONFIGURED_USER: {"badge": "7", "salary": "9", "pin": "1", "floor": "2"},
    })
}

fn names(text: &str) -> Option<Vec<String>> {
    (!text.is_empty()).then(|| text.split(',').map(str::to_owned).collect())
}

#[test]
fn a_response_has_the_attributes_that_were_asked_for() {
    let always = json!({"schemas": ["x"], "id": "1", CONFIGURED_USER: {"badge": "7"}});
    let with = |members: Value| {
        let mut resource = always.clone();
        for (name, value) in members.as_object().unwrap() {
            match resource.get_mut(name).and_then(Value::as_object_mut) {
                Some(known) => known.extend(value.as_object().unwrap().clone()),
                None => resource[name.as_str()] = value.clone(),
            }
        }
        resource
    };
    let mut default = ann();
    default.as_object_mut().unwrap().remove("password");
    default[CONFIGURED_USER] = json!({"badge": "7", "floor": "2"});
    let without = |name: &str| {
        let mut resource = default.clone();
        resource.as_object_mut().unwrap().remove(name);
        resource
    };
    let enterprise_department = format!("{ENTERPRISE_USER}:department");
    let mut rest = default.clone();
    rest["name"] = json!({"familyName": "Archer"});
    rest["emails"] = json!([{"type": "work"}]);
    for (section, attributes, excluded, expected) in [
        ("RFC 7643 §7, default", "", "", default.clone()),
        ("§3.4.2.5", "userName", "", with(json!({"userName": "ann"}))),
        ("§3.4.2.5, always", "nickName", "", always.clone()),
        (
            "§3.10, case",
            " USERNAME ,Name.GivenName",
            "",
            with(json!({"userName": "ann", "name": {"givenName": "Ann"}})),
        ),
        (
            "§3.4.2.5, sub-attribute",
            "emails.type",
            "",
            with(json!({"emails": [{"type": "work"}]})),
        ),
        (
            "§3.10, URN",
            &enterprise_department,
            "",
            with(json!({ENTERPRISE_USER: {"department": "Sales"}})),
        ),
        (
            "§3.10, URN",
            ENTERPRISE_USER,
            "",
            with(json!({ENTERPRISE_USER: ann()[ENTERPRISE_USER]})),
        ),
        (
            "RFC 7643 §7, request",
            "salary",
            "",
            with(json!({CONFIGURED_USER: {"salary": "9"}})),
        ),
        (
            "RFC 7643 §7, request, of an extension",
            CONFIGURED_USER,
            "",
            with(json!({CONFIGURED_USER: {"floor": "2"}})),
        ),
        ("RFC 7643 §7, never", "pin,password", "", always.clone()),
        ("§3.4.2.5", "favourite", "", always.clone()),
        ("§3.4.2.5", "", "emails", without("emails")),
        ("§3.4.2.5", "", "favourite", default.clone()),
        ("§3.4.2.5, always", "", "id,badge,schemas", default.clone()),
        ("§3.4.2.5, sub-attribute", "", "name.givenName,emails.value", rest),
        ("§3.10, URN", "", ENTERPRISE_USER, without(ENTERPRISE_USER)),
        ("§3.4.2.5", "", "meta", without("meta")),
    ] {
        let registry = registry();
        let users = registry.users();
        let projection =
            Projection::parse(names(attributes).as_deref(), names(excluded).as_deref(), &[users]).unwrap();
        let mut resource = ann().as_object().unwrap().clone();
        projection.apply(&mut resource, users);
        assert_eq!(
            Value::Object(resource),
            expected,
            "{section}: {attributes} {excluded}"
        );
    }
}

#[test]
fn members_are_loaded_only_for_a_response_that_has_them() {
    let groups = Registry::standard().groups();
    for (attributes, excluded, has) in [
        ("", "", true),
        ("displayName", "", false),
        ("members.value", "", true),
        ("", "members", false),
        ("", "members.display", true),
    ] {
        let projection = Projection::parse(
            names(attributes).as_deref(),
            names(excluded).as_deref(),
            &[groups],
        )
        .unwrap();
        assert_eq!(projection.has("members", groups), has, "{attributes} {excluded}");
    }
}

#[test]
fn the_two_parameters_exclude_each_other() {
    // RFC 7644 §3.9
    let users = Registry::standard().users();
    let one = names("userName");
    assert!(Projection::parse(one.as_deref(), one.as_deref(), &[users]).is_err());
    let many = vec!["userName".to_owned(); MAX_NAMES + 1];
    assert!(Projection::parse(Some(&many), None, &[users]).is_err());
}

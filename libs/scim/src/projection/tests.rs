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
        projection.apply(&mut resource, users, &Written::default());
        assert_eq!(
            Value::Object(resource),
            expected,
            "{section}: {attributes} {excluded}"
        );
    }
}

#[test]
fn a_write_returns_what_it_names_though_it_is_returned_on_request() {
    // RFC 7643 §7
    let config = json!({"attributes": [
        {"name": "salary", "returned": "request"}, {"name": "bonus", "returned": "request"},
        {"name": "payroll", "returned": "request", "mutability": "readOnly"}, {"name": "pin", "returned": "never"},
        {"name": "cards", "type": "complex", "multi_valued": true, "sub_attributes": [
            {"name": "label"}, {"name": "number", "returned": "request"},
        ]},
    ]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    let users = registry.users();
    let stored = json!({"id": "1", "userName": "ann", CONFIGURED_USER: {
        "salary": "9", "bonus": "1", "payroll": "7", "pin": "1", "cards": [{"label": "a", "number": "4"}],
    }});
    let shown = |attributes: &str, excluded: &str, written: &Written| {
        let (attributes, excluded) = (names(attributes), names(excluded));
        let projection = Projection::parse(attributes.as_deref(), excluded.as_deref(), &[users]).unwrap();
        let mut resource = stored.as_object().unwrap().clone();
        projection.apply(&mut resource, users, written);
        resource.remove(CONFIGURED_USER).unwrap_or_default()
    };
    let (label, card) = (json!([{"label": "a"}]), json!([{"label": "a", "number": "4"}]));
    let salary = format!("{CONFIGURED_USER}:salary");
    let of_put = |body: Value| Written::of_resource(body.as_object().unwrap(), users);
    let of_patch = |operations: Value| {
        let body = json!({"schemas": [crate::patch::PATCH_URN], "Operations": operations});
        Written::of_patch(&crate::patch::parse(&body).unwrap(), users)
    };
    let default = json!({"cards": label});
    for (written, expected) in [
        (of_put(json!({"userName": "ann"})), default.clone()),
        (
            of_put(json!({CONFIGURED_USER: {"SALARY": "9"}})),
            json!({"salary": "9", "cards": label}),
        ),
        (
            of_put(json!({CONFIGURED_USER: {"payroll": "7", "pin": "1"}})),
            default.clone(),
        ),
        (
            of_put(json!({CONFIGURED_USER: {"cards": [{"label": "a"}]}})),
            default.clone(),
        ),
        (
            of_put(json!({CONFIGURED_USER: {"cards": [{"Number": "4"}]}})),
            json!({"cards": card}),
        ),
        (
            of_patch(json!([{"op": "add", "path": salary, "value": "9"}])),
            json!({"salary": "9", "cards": label}),
        ),
        (
            of_patch(
                json!([{"op": "add", "value": {CONFIGURED_USER: {"bonus": "1"}, &salary: "9", "unknown": 1}}]),
            ),
            json!({"salary": "9", "bonus": "1", "cards": label}),
        ),
        (
            of_patch(json!([{"op": "replace", "path": CONFIGURED_USER, "value": {"bonus": "1"}}])),
            json!({"bonus": "1", "cards": label}),
        ),
        (
            of_patch(
                json!([{"op": "replace", "path": format!("{CONFIGURED_USER}:cards[label eq \"a\"].number"), "value": "4"}]),
            ),
            json!({"cards": card}),
        ),
        (
            of_patch(
                json!([{"op": "replace", "path": format!("{CONFIGURED_USER}:cards[label eq \"a\"]"), "value": {"label": "a"}}]),
            ),
            default.clone(),
        ),
        (
            of_patch(json!([{"op": "remove", "path": "title"}])),
            default.clone(),
        ),
    ] {
        assert_eq!(shown("", "", &written), expected, "{written:?}");
    }
    // RFC 7644 §3.9: the parameters choose among what there is.
    let written = of_put(json!({CONFIGURED_USER: {"salary": "9", "cards": [{"number": "4"}]}}));
    assert_eq!(shown("userName", "", &written), Value::Null);
    assert_eq!(
        shown(&format!("{CONFIGURED_USER}:bonus"), "", &written),
        json!({"bonus": "1"})
    );
    assert_eq!(shown("", &salary, &written), json!({"cards": card}));
    assert_eq!(shown("", CONFIGURED_USER, &written), Value::Null);
    let number = format!("{CONFIGURED_USER}:cards.number");
    assert_eq!(
        shown("", &number, &written),
        json!({"salary": "9", "cards": label})
    );
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

//! Access to attributes by the kind of caller.

use serde_json::{Value, json};

use crate::filter::Filter;
use crate::schema::{Accessor, CONFIGURED_USER, CUSTOM_USER, ENTERPRISE_USER, Registry};

fn registry() -> Registry {
    let config = json!({"attributes": [
        {"name": "salary", "read": ["administrator"], "write": ["client"]},
        {"name": "theme", "write": ["self"]},
    ]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

#[test]
fn a_caller_writes_what_the_registry_lets_it_write() {
    // SB-35
    let before = json!({
        "userName": "ann", "title": "Guide", "name": {"givenName": "Ann"}, CONFIGURED_USER: {"salary": "1", "theme": "dark"},
        ENTERPRISE_USER: {"department": "Sales"},
    });
    let enterprise = format!("{ENTERPRISE_USER}:department");
    let salary = format!("{CONFIGURED_USER}:salary");
    let theme = format!("{CONFIGURED_USER}:theme");
    for (accessor, changes, refused) in [
        (Accessor::Own, json!({}), None),
        (
            Accessor::Own,
            json!({"name": {"givenName": "Anna"}, "nickName": "A"}),
            None,
        ),
        (Accessor::Own, json!({"name": null}), None),
        (
            Accessor::Own,
            json!({CUSTOM_USER: {"values": {"theme": "dark"}}}),
            None,
        ),
        (
            Accessor::Own,
            json!({CONFIGURED_USER: {"salary": "1", "theme": "light"}}),
            None,
        ),
        (Accessor::Own, json!({"userName": "root"}), Some("userName")),
        (Accessor::Own, json!({"title": null}), Some("title")),
        (
            Accessor::Own,
            json!({"roles": [{"value": "admin"}]}),
            Some("roles"),
        ),
        (
            Accessor::Own,
            json!({ENTERPRISE_USER: null}),
            Some(enterprise.as_str()),
        ),
        (
            Accessor::Own,
            json!({CONFIGURED_USER: {"salary": "9", "theme": "dark"}}),
            Some(salary.as_str()),
        ),
        (Accessor::Own, json!({"unknown": 1}), Some("unknown")),
        (
            Accessor::Administrator,
            json!({"userName": "anna", "title": null, ENTERPRISE_USER: null}),
            None,
        ),
        (
            Accessor::Administrator,
            json!({CONFIGURED_USER: {"theme": "dark"}}),
            Some(salary.as_str()),
        ),
        (
            Accessor::Client,
            json!({CONFIGURED_USER: {"salary": "9", "theme": "dark"}}),
            None,
        ),
        (
            Accessor::Client,
            json!({CONFIGURED_USER: {"salary": "1"}}),
            Some(theme.as_str()),
        ),
        (
            Accessor::Client,
            json!({"groups": [{"value": "admins"}]}),
            Some("groups"),
        ),
    ] {
        let mut after = before.clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(after.as_object_mut().unwrap().remove(name)),
                value => after[name.as_str()] = value.clone(),
            }
        }
        let registry = registry();
        let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
        let outcome = registry.users().check_writes(accessor, before, after);
        match refused {
            None => assert_eq!(outcome, Ok(()), "{accessor:?} {changes}"),
            Some(name) => {
                let error = outcome.expect_err(name);
                let named = error.detail.strip_suffix(": cannot be changed by this caller");
                assert_eq!((error.status, named), (403, Some(name)), "{accessor:?} {changes}");
            }
        }
    }
}

#[test]
fn a_caller_sees_what_the_registry_lets_it_see() {
    // SB-35
    let registry = registry();
    let users = registry.users();
    let full = json!({"userName": "ann", CONFIGURED_USER: {"salary": "1"}});
    let shown = |accessor: Accessor, resource: &Value| {
        let mut resource = resource.as_object().unwrap().clone();
        users.hide_from(accessor, &mut resource);
        Value::Object(resource)
    };
    assert_eq!(shown(Accessor::Administrator, &full), full);
    assert_eq!(shown(Accessor::Own, &full), json!({"userName": "ann"}));
    let both = json!({"userName": "ann", CONFIGURED_USER: {"salary": "1", "theme": "dark"}});
    assert_eq!(
        shown(Accessor::Client, &both)[CONFIGURED_USER],
        json!({"theme": "dark"})
    );
    // A filter would tell what a response hides.
    let filter = Filter::parse("userName eq \"ann\" and salary gt \"5\"", &[users]).unwrap();
    let readable = |accessor: Accessor| {
        filter
            .attributes()
            .iter()
            .all(|it| users.is_readable(it, accessor))
    };
    assert!(readable(Accessor::Administrator) && !readable(Accessor::Own));
}

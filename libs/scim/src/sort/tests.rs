//! Tests of sorting.

use serde_json::json;

use super::*;
use crate::schema::{CONFIGURED_USER, Registry};

fn registry() -> Registry {
    let config = json!({"attributes": [{"name": "floor", "type": "integer"},
        {"name": "cards", "type": "complex", "sub_attributes": [
            {"name": "value", "mutability": "writeOnly"}, {"name": "pin", "mutability": "writeOnly"},
        ]},
    ]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

#[test]
fn resources_are_sorted_as_the_standard_says() {
    // RFC 7644 §3.4.2.3 (1) (2)
    // RFC 7644 §3.4.2.3
    let floor = |number: i64| json!({CONFIGURED_USER: {"floor": number}});
    let email = |value: &str| json!({"emails": [{"value": value}]});
    let two = |first: &str, primary: &str| json!({"emails": [{"value": first}, {"value": primary, "primary": true}]});
    let modified = |time: &str| json!({"meta": {"lastModified": time}});
    let named = |name: &str| json!({"name": {"familyName": name}});
    for (section, sort_by, sorted) in [
        (
            "case",
            "userName",
            vec![
                json!({"userName": "a"}),
                json!({"userName": "B"}),
                json!({"userName": "c"}),
            ],
        ),
        (
            "caseExact",
            "externalId",
            vec![json!({"externalId": "B"}), json!({"externalId": "a"})],
        ),
        (
            "no value is last",
            "userName",
            vec![json!({"userName": "z"}), json!({})],
        ),
        (
            "sub-attribute",
            "name.familyName",
            vec![named("Ärmel".to_lowercase().as_str()), json!({})],
        ),
        ("numbers", "floor", vec![floor(-1), floor(2), floor(10)]),
        (
            "times",
            "meta.lastModified",
            vec![
                modified("2011-05-13T06:42:33+02:00"),
                modified("2011-05-13T04:42:34Z"),
            ],
        ),
        (
            "truth values",
            "active",
            vec![json!({"active": false}), json!({"active": true})],
        ),
        ("the first value", "emails", vec![email("a@x"), email("b@x")]),
        (
            "the primary value",
            "emails.value",
            vec![two("z@x", "a@x"), email("b@x"), two("a@x", "c@x")],
        ),
    ] {
        let registry = registry();
        let of = [registry.users()];
        for (order, expected) in [
            ("Ascending", sorted.clone()),
            ("descending", sorted.iter().rev().cloned().collect()),
        ] {
            let sort = Sort::parse(Some(sort_by), Some(order), &of).unwrap().unwrap();
            let mut shuffled = sorted.clone();
            shuffled.rotate_left(1);
            shuffled.sort_by(|one, other| sort.compare(one, other));
            assert_eq!(shuffled, expected, "{section}, {order}");
        }
    }
}

#[test]
fn what_has_no_order_is_refused() {
    let registry = registry();
    let parse = |by: Option<&str>, order: Option<&str>| {
        Sort::parse(by, order, &[registry.users(), registry.groups()])
    };
    for by in [
        "favourite",
        "name",
        "password",
        "cards",
        "cards.pin",
        "x509Certificates",
        "members",
        "meta",
        "urn:x:y",
    ] {
        assert!(
            parse(Some(by), None).unwrap_err().detail.starts_with("sortBy"),
            "{by}"
        );
    }
    assert!(
        parse(Some("userName"), Some("up"))
            .unwrap_err()
            .detail
            .starts_with("sortOrder")
    );
    assert_eq!(parse(None, Some("descending")), Ok(None));
    assert!(!parse(Some("USERNAME"), None).unwrap().unwrap().descending);
}

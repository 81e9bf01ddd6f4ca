//! Tests of `remove` (RFC 7644 §3.5.2.2), and of the password.

use serde_json::{Value, json};

use super::*;

#[test]
fn remove_follows_the_standard() {
    // RFC 7644 §3.5.2.2 (2)
    check([
        (
            "§3.5.2.2, single-valued",
            json!({"op": "remove", "path": "title"}),
            json!({"title": null}),
        ),
        (
            "§3.5.2.2, not there",
            json!({"op": "remove", "path": "nickName"}),
            json!({}),
        ),
        (
            "§3.5.2.2, multi-valued",
            json!({"op": "remove", "path": "emails"}),
            json!({"emails": null}),
        ),
        (
            "§3.5.2.2, value filter",
            json!({"op": "remove", "path": "emails[type eq \"work\"]"}),
            json!({"emails": [home_email()]}),
        ),
        (
            "§3.5.2.2, no value is left",
            json!({"op": "remove", "path": "emails[value pr]"}),
            json!({"emails": null}),
        ),
        (
            "§3.5.2.2, no match",
            json!({"op": "remove", "path": "emails[type eq \"fax\"]"}),
            json!({}),
        ),
        (
            "§3.5.2.2, sub-attribute of a value filter",
            json!({"op": "remove", "path": "emails[primary eq true].type"}),
            json!({"emails": [{"value": "ann@work.example", "primary": true}, home_email()]}),
        ),
        (
            "§3.5.2.2, sub-attribute",
            json!({"op": "remove", "path": "name.givenName"}),
            json!({"name": {"familyName": "Archer"}}),
        ),
        (
            "§3.5.2.2, sub-attribute of all values",
            json!({"op": "remove", "path": "emails.type"}),
            json!({"emails": [{"value": "ann@work.example", "primary": true}, {"value": "ann@home.example"}]}),
        ),
        (
            "§3.5.2.2, extension",
            json!({"op": "remove", "path": "department"}),
            json!({ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Bob"}}}),
        ),
        (
            "§3.5.2.2, all of an extension",
            json!({"op": "remove", "path": ENTERPRISE_USER}),
            json!({ENTERPRISE_USER: null}),
        ),
        (
            "a value",
            json!({"op": "remove", "path": "emails", "value": [{"value": "ANN@home.example"}]}),
            json!({"emails": [work_email()]}),
        ),
        (
            "a value",
            json!({"op": "remove", "path": "emails", "value": [{"type": "work"}]}),
            json!({"emails": [home_email()]}),
        ),
        (
            "a value",
            json!({"op": "remove", "path": "tags", "value": ["red"]}),
            json!({CONFIGURED: {"badge": "b1", "tags": ["blue"]}}),
        ),
        (
            "a value, whose case counts",
            json!({"op": "remove", "path": "x509Certificates", "value": [{"value": "TWFU"}]}),
            json!({}),
        ),
        (
            "the name of the sub-attribute in capitals",
            json!({"op": "remove", "path": "emails", "value": [{"VALUE": "ann@home.example"}]}),
            json!({"emails": [work_email()]}),
        ),
        (
            "a value of another type",
            json!({"op": "remove", "path": "emails", "value": [{"value": "ann@home.example", "type": "work"}]}),
            json!({}),
        ),
        (
            "§3.5.2.2, required sub-attribute of a value filter",
            json!({"op": "remove", "path": "emails[type eq \"work\"].value"}),
            json!({"emails": [home_email()]}),
        ),
        (
            "§3.5.2.2, required sub-attribute of all values",
            json!({"op": "remove", "path": "emails.value"}),
            json!({"emails": null}),
        ),
        (
            "no value",
            json!({"op": "remove", "path": "emails", "value": [{}]}),
            json!({}),
        ),
    ]);
    let twice = |kind: &str| json!({"value": "a@x.example", "type": kind});
    check_on(
        json!({"emails": [twice("work"), twice("home")]}),
        [(
            "RFC 7643 §2.4, one value of two types",
            json!({"op": "remove", "path": "emails", "value": [twice("home")]}),
            json!({"emails": [twice("work")]}),
        )],
    );
    check_on(
        json!({"groups": null}),
        [
            (
                "§3.5.2.2, read-only and not there",
                json!({"op": "remove", "path": "groups"}),
                json!({}),
            ),
            (
                "§3.5.2.2, read-only and not there",
                json!({"op": "replace", "value": {"groups": null, "meta": null, "schemas": null}}),
                json!({}),
            ),
        ],
    );
}

#[test]
fn a_password_is_set_and_removed_apart_from_the_resource() {
    let set = |text: &str| Some(PasswordChange::Set(crate::Password::new(text.to_owned())));
    let one = |operation: Value| json!([operation]);
    for (operations, expected) in [
        (
            one(json!({"op": "replace", "path": "title", "value": "Guide"})),
            None,
        ),
        (one(json!({"op": "add", "path": "password", "value": null})), None),
        (
            one(json!({"op": "replace", "path": "password", "value": "correct horse"})),
            set("correct horse"),
        ),
        (
            one(json!({"op": "replace", "value": {"password": "t1meMa$heen"}})),
            set("t1meMa$heen"),
        ),
        (
            one(json!({"op": "remove", "path": "password"})),
            Some(PasswordChange::Remove),
        ),
        (
            one(json!({"op": "replace", "path": "password", "value": null})),
            Some(PasswordChange::Remove),
        ),
        (
            one(json!({"op": "replace", "path": "password", "value": ""})),
            Some(PasswordChange::Remove),
        ),
        (
            json!([{"op": "add", "path": "password", "value": "a"}, {"op": "remove", "path": "password"}]),
            Some(PasswordChange::Remove),
        ),
        (
            json!([{"op": "remove", "path": "password"}, {"op": "add", "path": "password", "value": "a"}]),
            set("a"),
        ),
    ] {
        let (edited, outcome) = patched(&ann(), operations.clone()).unwrap();
        assert_eq!(outcome.password, expected, "{operations}");
        assert_eq!((edited, outcome.changed), (ann(), false), "{operations}");
        let shown = format!("{outcome:?}");
        assert!(!shown.contains("correct horse"), "{shown}");
    }
    let body = json!({"schemas": [PATCH_URN], "Operations": [{"op": "add", "path": "password", "value": "correct horse"}]});
    let shown = format!("{:?}", parse(&body).unwrap());
    assert!(
        shown.contains("password") && !shown.contains("correct horse"),
        "{shown}"
    );
}

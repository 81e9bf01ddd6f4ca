//! The rules of RFC 7644 §3.5.2.

use serde_json::{Value, json};

use super::*;
use crate::ScimType;

fn work_email() -> Value {
    ann()["emails"][0].clone()
}

fn home_email() -> Value {
    ann()["emails"][1].clone()
}

/// A section, an operation, and the members of the resource that it changes.
type Row = (&'static str, Value, Value);

fn check(rows: impl IntoIterator<Item = Row>) {
    check_on(json!({}), rows);
}

/// As [`check`], on `ann` with changes.
fn check_on(before: Value, rows: impl IntoIterator<Item = Row>) {
    for (section, operation, changes) in rows {
        let (edited, _) = patched(&ann_with(before.clone()), json!([operation]))
            .unwrap_or_else(|error| panic!("{section}: {operation}: {error}"));
        let mut expected = before.as_object().unwrap().clone();
        expected.extend(changes.as_object().unwrap().clone());
        assert_eq!(
            edited,
            ann_with(Value::Object(expected)),
            "{section}: {operation}"
        );
    }
}

#[test]
fn add_follows_the_standard() {
    let other = json!({"value": "ann@other.example", "type": "other"});
    let no_change = json!({});
    check([
        (
            "§3.5.2.1, no path",
            json!({"op": "add", "value": {"nickName": "Annie", "title": "Boss"}}),
            json!({"nickName": "Annie", "title": "Boss"}),
        ),
        (
            "§3.5.2.1, not there",
            json!({"op": "add", "path": "nickName", "value": "Annie"}),
            json!({"nickName": "Annie"}),
        ),
        (
            "§3.5.2.1, single-valued",
            json!({"op": "add", "path": "title", "value": "Boss"}),
            json!({"title": "Boss"}),
        ),
        (
            "§3.5.2.1, the same",
            json!({"op": "add", "path": "title", "value": "Guide"}),
            no_change.clone(),
        ),
        (
            "§3.5.2.1, complex",
            json!({"op": "add", "path": "name", "value": {"middleName": "B", "GIVENNAME": "Anna"}}),
            json!({"name": {"givenName": "Anna", "familyName": "Archer", "middleName": "B"}}),
        ),
        (
            "§3.5.2.1, sub-attribute",
            json!({"op": "add", "path": "name.middleName", "value": "B"}),
            json!({"name": {"givenName": "Ann", "familyName": "Archer", "middleName": "B"}}),
        ),
        (
            "§3.5.2.1, multi-valued",
            json!({"op": "add", "path": "emails", "value": [other]}),
            json!({"emails": [work_email(), home_email(), other]}),
        ),
        (
            "§3.5.2.1, one value",
            json!({"op": "add", "path": "emails", "value": other}),
            json!({"emails": [work_email(), home_email(), other]}),
        ),
        (
            "§3.5.2.1, is there",
            json!({"op": "add", "path": "emails", "value": [home_email()]}),
            no_change.clone(),
        ),
        (
            "RFC 7643 §2.4, without regard to case",
            json!({"op": "add", "path": "emails", "value": {"value": "ANN@home.example", "type": "home"}}),
            json!({"emails": [work_email(), {"value": "ANN@home.example", "type": "home"}]}),
        ),
        (
            "RFC 7643 §2.4, value and type",
            json!({"op": "add", "path": "emails", "value": {"value": "ann@home.example", "type": "home", "primary": true}}),
            json!({"emails": [
                {"value": "ann@work.example", "type": "work"},
                {"value": "ann@home.example", "type": "home", "primary": true},
            ]}),
        ),
        (
            "§3.5.2, primary",
            json!({"op": "add", "path": "emails", "value": [{"value": "c@x.example", "primary": true}]}),
            json!({"emails": [
                {"value": "ann@work.example", "type": "work"}, home_email(), {"value": "c@x.example", "primary": true},
            ]}),
        ),
        (
            "§3.5.2, primary",
            json!({"op": "add", "path": "emails[type eq \"home\"].primary", "value": true}),
            json!({"emails": [
                {"value": "ann@work.example", "type": "work"},
                {"value": "ann@home.example", "type": "home", "primary": true},
            ]}),
        ),
        (
            "§3.5.2, primary, and the old one is named",
            json!({"op": "add", "path": "emails", "value": [
                {"value": "ann@work.example", "type": "work"}, {"value": "c@x.example", "type": "other", "primary": true},
            ]}),
            json!({"emails": [
                {"value": "ann@work.example", "type": "work"}, home_email(),
                {"value": "c@x.example", "type": "other", "primary": true},
            ]}),
        ),
        (
            "RFC 7643 §2.4, not primary is the same as nothing said of it",
            json!({"op": "add", "path": "emails", "value": {"value": "ann@home.example", "type": "home", "primary": false}}),
            no_change.clone(),
        ),
        (
            "RFC 7643 §2.4, not primary is the same as nothing said of it",
            json!({"op": "add", "path": "phoneNumbers", "value": [{"value": "1", "primary": false}]}),
            json!({"phoneNumbers": [{"value": "1"}]}),
        ),
        (
            "RFC 7643 §2.4, one value of another type",
            json!({"op": "add", "path": "emails", "value": {"value": "ann@work.example", "type": "other"}}),
            json!({"emails": [work_email(), home_email(), {"value": "ann@work.example", "type": "other"}]}),
        ),
        (
            "RFC 7643 §2.4, the same type in capitals",
            json!({"op": "add", "path": "emails", "value": {"value": "ann@work.example", "type": "Work"}}),
            json!({"emails": [{"value": "ann@work.example", "type": "Work", "primary": true}, home_email()]}),
        ),
        (
            "RFC 7643 §2.5, null of an attribute that does not exist",
            json!({"op": "add", "path": ENTERPRISE_USER, "value": {"salary": null}}),
            no_change.clone(),
        ),
        (
            "RFC 7643 §2.5, null",
            json!({"op": "add", "path": "title", "value": null}),
            no_change.clone(),
        ),
        (
            "RFC 7643 §2.5, empty",
            json!({"op": "add", "path": "emails", "value": []}),
            no_change.clone(),
        ),
        (
            "§3.5.2, extension",
            json!({"op": "add", "path": format!("{ENTERPRISE_USER}:costCenter"), "value": "4"}),
            json!({ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7", "displayName": "Bob"}, "costCenter": "4"}}),
        ),
        (
            "§3.5.2, extension",
            json!({"op": "add", "path": ENTERPRISE_USER, "value": {"costCenter": "4"}}),
            json!({ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7", "displayName": "Bob"}, "costCenter": "4"}}),
        ),
        (
            "§3.5.2.1, values that are not complex",
            json!({"op": "add", "path": "tags", "value": ["blue", "green"]}),
            json!({CONFIGURED: {"badge": "b1", "tags": ["red", "blue", "green"]}}),
        ),
        (
            "our own, a value that is made",
            json!({"op": "add", "path": "emails[type eq \"other\"].value", "value": "o@x.example"}),
            json!({"emails": [work_email(), home_email(), {"value": "o@x.example", "type": "other"}]}),
        ),
        (
            "our own, a value that is made",
            json!({"op": "add", "path": "phoneNumbers[type eq \"work\" and primary eq true]", "value": {"value": "1"}}),
            json!({"phoneNumbers": [{"value": "1", "type": "work", "primary": true}]}),
        ),
        (
            "our own, free object",
            json!({"op": "add", "path": format!("{}:values", crate::schema::CUSTOM_USER), "value": {"theme": "dark"}}),
            json!({crate::schema::CUSTOM_USER: {"values": {"theme": "dark"}}}),
        ),
        (
            "our own, free object",
            json!({"op": "add", "path": format!("{}:values.theme", crate::schema::CUSTOM_USER), "value": 1}),
            json!({crate::schema::CUSTOM_USER: {"values": {"theme": 1}}}),
        ),
    ]);
}

#[test]
fn replace_follows_the_standard() {
    let other = json!({"value": "o@x.example"});
    check([
        (
            "§3.5.2.3, no path",
            json!({"op": "replace", "value": {"title": "Boss", "emails": [other]}}),
            json!({"title": "Boss", "emails": [other]}),
        ),
        (
            "§3.5.2.3, single-valued",
            json!({"op": "replace", "path": "title", "value": "Boss"}),
            json!({"title": "Boss"}),
        ),
        (
            "§3.5.2.3, not there",
            json!({"op": "replace", "path": "nickName", "value": "Annie"}),
            json!({"nickName": "Annie"}),
        ),
        (
            "§3.5.2.3, multi-valued",
            json!({"op": "replace", "path": "emails", "value": [other]}),
            json!({"emails": [other]}),
        ),
        (
            "§3.5.2.3, complex",
            json!({"op": "replace", "path": "name", "value": {"familyName": "Bow"}}),
            json!({"name": {"givenName": "Ann", "familyName": "Bow"}}),
        ),
        (
            "§3.5.2.3, value filter",
            json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": other}),
            json!({"emails": [{"value": "o@x.example", "type": "work"}, home_email()]}),
        ),
        (
            "§3.5.2.3, sub-attribute of a value filter",
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "o@x.example"}),
            json!({"emails": [{"value": "o@x.example", "type": "work", "primary": true}, home_email()]}),
        ),
        (
            "§3.5.2.3, all matching",
            json!({"op": "replace", "path": "emails[value ew \".example\"].type", "value": null}),
            json!({"emails": [{"value": "ann@work.example", "primary": true}, {"value": "ann@home.example"}]}),
        ),
        (
            "§3.5.2.3, all matching",
            json!({"op": "replace", "path": "emails[value ew \".example\"].type", "value": "other"}),
            json!({"emails": [
                {"value": "ann@work.example", "type": "other", "primary": true}, {"value": "ann@home.example", "type": "other"},
            ]}),
        ),
        (
            "RFC 7643 §2.5, null",
            json!({"op": "replace", "path": "title", "value": null}),
            json!({"title": null}),
        ),
        (
            "RFC 7643 §2.5, null",
            json!({"op": "replace", "value": {"emails": null, "nickName": null}}),
            json!({"emails": null}),
        ),
        (
            "RFC 7643 §2.5, empty list",
            json!({"op": "replace", "path": "emails", "value": []}),
            json!({"emails": null}),
        ),
        (
            "RFC 7643 §2.5, empty text",
            json!({"op": "replace", "path": "title", "value": ""}),
            json!({"title": null}),
        ),
        (
            "RFC 7643 §2.5, null",
            json!({"op": "replace", "path": "name", "value": {"familyName": null}}),
            json!({"name": {"givenName": "Ann"}}),
        ),
        (
            "§3.5.2, read-only sub-attribute",
            json!({"op": "replace", "path": "manager", "value": {"value": "8", "displayName": "Mallory"}}),
            json!({ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "8", "displayName": "Bob"}}}),
        ),
        (
            "values that are not complex",
            json!({"op": "replace", "path": "tags[value eq \"RED\"]", "value": "green"}),
            json!({CONFIGURED: {"badge": "b1", "tags": ["green", "blue"]}}),
        ),
        (
            "RFC 7643 §2.5, null of a required value",
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": null}),
            json!({"emails": [home_email()]}),
        ),
        (
            "RFC 7643 §2.5, empty text of a required value",
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": ""}),
            json!({"emails": [home_email()]}),
        ),
        (
            "RFC 7643 §2.4, not primary any more",
            json!({"op": "replace", "path": "emails[type eq \"work\"].primary", "value": false}),
            json!({"emails": [{"value": "ann@work.example", "type": "work"}, home_email()]}),
        ),
    ]);
    // RFC 7643 §2.5: what has no content is not there, and neither is its extension.
    check_on(
        json!({ENTERPRISE_USER: null}),
        [
            (
                "an empty text",
                json!({"op": "replace", "path": "manager", "value": ""}),
                json!({}),
            ),
            (
                "a value without content",
                json!({"op": "replace", "path": "manager", "value": {"value": null}}),
                json!({}),
            ),
            (
                "an extension without content",
                json!({"op": "add", "path": ENTERPRISE_USER, "value": {"department": "", "manager": {}}}),
                json!({}),
            ),
        ],
    );
    // RFC 7643 §2.4: a value without `value` is the same if all the rest is, whichever is primary.
    let address = json!({"type": "work", "formatted": "Main Street"});
    check_on(
        json!({"addresses": [address]}),
        [(
            "an address that is there",
            json!({"op": "add", "path": "addresses", "value": {"type": "work", "formatted": "Main Street", "primary": true}}),
            json!({"addresses": [{"type": "work", "formatted": "Main Street", "primary": true}]}),
        )],
    );
}

#[test]
fn remove_follows_the_standard() {
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

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
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

#[test]
fn operations_follow_each_other() {
    // RFC 7644 §3.5.2: each applies to what the one before left.
    let (edited, outcome) = patched(
        &ann(),
        json!([
            {"op": "add", "path": "emails", "value": {"value": "c@x.example", "type": "other"}},
            {"op": "replace", "path": "emails[type eq \"other\"].primary", "value": true},
            {"op": "remove", "path": "emails[primary eq false and type ne \"home\"]"},
            {"op": "remove", "path": "department"},
            {"op": "remove", "path": "manager.value"},
        ]),
    )
    .unwrap();
    let expected = ann_with(json!({
        "emails": [home_email(), {"value": "c@x.example", "type": "other", "primary": true}],
        ENTERPRISE_USER: {"manager": {"displayName": "Bob"}},
    }));
    assert_eq!(edited, expected);
    assert!(outcome.changed && outcome.members.is_empty());
    // RFC 7644 §3.5.2.1: no change is no new version.
    let (_, outcome) = patched(&ann(), json!([
        {"op": "replace", "path": "title", "value": "Boss"}, {"op": "replace", "path": "title", "value": "Guide"},
    ]))
    .unwrap();
    assert!(!outcome.changed);
}

#[test]
fn an_immutable_attribute_is_set_once() {
    // RFC 7644 §3.5.2
    let set = |value: &str| json!([{"op": "add", "path": "badge", "value": value}]);
    let (edited, _) = patched(&ann_with(json!({CONFIGURED: null})), set("b2")).unwrap();
    assert_eq!(edited[CONFIGURED], json!({"badge": "b2"}));
    assert!(!patched(&ann(), set("b1")).unwrap().1.changed);
    assert_eq!(
        patched(&ann(), set("b2")).unwrap_err().scim_type,
        Some(ScimType::Mutability)
    );
}

#[test]
fn a_body_has_its_form() {
    // RFC 7644 §3.5.2
    let operation = json!({"op": "REPLACE", "PATH": "title", "Value": null});
    let read = parse(&json!({"SCHEMAS": [PATCH_URN.to_uppercase()], "operations": [operation]})).unwrap();
    let expected = Operation {
        kind: OperationKind::Replace,
        path: Some("title".to_owned()),
        value: Some(Value::Null),
    };
    assert_eq!(read, [expected]);
    let of = |operations: Value| json!({"schemas": [PATCH_URN], "Operations": operations});
    let many = vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1];
    for (body, status, named) in [
        (json!([]), 400, "object"),
        (
            json!({"Operations": [{"op": "remove", "path": "title"}]}),
            400,
            "schemas",
        ),
        (json!({"schemas": ["urn:x"], "Operations": []}), 400, "schemas"),
        (json!({"schemas": [PATCH_URN]}), 400, "Operations"),
        (of(json!({})), 400, "Operations"),
        (of(json!([])), 400, "at least one"),
        (of(json!([7])), 400, "Operations[0]"),
        (
            of(json!([{"op": "remove", "path": "x"}, {"op": "move"}])),
            400,
            "Operations[1]: op",
        ),
        (of(json!([{"path": "title"}])), 400, "op"),
        (of(json!([{"op": "add", "OP": "add"}])), 400, "twice"),
        (of(json!([{"op": "add", "path": 7}])), 400, "path"),
        (of(json!(many)), 413, "1000"),
    ] {
        let refused = parse(&body).unwrap_err();
        assert_eq!(refused.status, status, "{named}: {refused}");
        assert!(refused.detail.contains(named), "{named}: {refused}");
    }
}

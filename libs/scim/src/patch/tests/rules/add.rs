//! Tests of `add` (RFC 7644 §3.5.2.1).

use serde_json::json;

use super::*;

#[test]
fn add_follows_the_standard() {
    // RFC 7644 §3.5.2 (4), RFC 7644 §3.5.2.1 (2) (3)
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

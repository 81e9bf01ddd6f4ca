//! Tests of `replace` (RFC 7644 §3.5.2.3).

use serde_json::json;

use super::*;

#[test]
fn replace_follows_the_standard() {
    // RFC 7644 §3.5.2.3 (1) (2) (3) (4)
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

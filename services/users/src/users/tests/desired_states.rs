//! Tests of desired states: which attributes may be set, and by whom.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use scim::schema::{CUSTOM_USER, ENTERPRISE_USER, PROFILE_USER, ResourceType};

use crate::testing::desired_user;
use crate::users::*;

const ENTERPRISE: &str = "attributes.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ENTERPRISE_DEPARTMENT: &str =
    "attributes.urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const CUSTOM: &str = "attributes.urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";
const PROFILE_VERIFIED: &str =
    "attributes.urn:vestibule:params:scim:schemas:extension:profile:1.0:User:emailVerified";

fn users() -> &'static ResourceType {
    Registry::standard().users()
}

#[test]
fn a_person_cannot_change_what_is_not_theirs_to_change() {
    // SB-35: mass assignment.
    let cases = [
        (json!({"active": true}), "active"),
        (json!({"user_name": "root"}), "user_name"),
        (json!({"groups": ["vestibule-admins"]}), "groups"),
        (json!({"version": 1}), "version"),
        (json!({"id": "018f"}), "id"),
        (json!({"created_at": "2020-01-01T00:00:00Z"}), "created_at"),
        (json!({"emails": []}), "emails"),
        (json!({"is_admin": true}), "is_admin"),
        (json!({"name": {"suffix": "III"}}), "name.suffix"),
        (
            json!({"attributes": {"roles": [{"value": "admin"}]}}),
            "attributes.roles",
        ),
        (
            json!({"attributes": {"Entitlements": []}}),
            "attributes.Entitlements",
        ),
        (json!({"attributes": {"URN:x": {}}}), "attributes.URN:x"),
        (
            json!({"attributes": {ENTERPRISE_USER: {"department": "Board"}}}),
            ENTERPRISE_DEPARTMENT,
        ),
        (json!({"attributes": {ENTERPRISE_USER: null}}), ENTERPRISE),
        (json!({"attributes": {CUSTOM_USER: {"values": {}}}}), CUSTOM),
        (
            json!({"attributes": {PROFILE_USER: {"emailVerified": true}}}),
            PROFILE_VERIFIED,
        ),
        (json!({"attributes": 3}), "attributes"),
        (json!({"locale": 3}), "locale"),
        (json!([]), "(body)"),
    ];
    for (body, field) in cases {
        assert_eq!(
            Patch::from_json(body.clone(), users()).unwrap_err().field,
            field,
            "{body}"
        );
    }
}

fn state(attributes: Value) -> contract::UserState {
    let attributes: BTreeMap<String, Value> = serde_json::from_value(attributes).unwrap();
    let draft = DesiredState {
        attributes,
        ..desired_user("ann")
    };
    draft.into_state(Uuid::nil(), chassis::clock::Timestamp::from_secs(0))
}

#[test]
fn a_patch_is_merged_as_rfc_7396_says() {
    let mut ann = state(json!({"a": {"b": 1, "c": 2}, "d": 1, "gone": true}));
    ann.name.given_name = Some("Ann".to_owned());
    ann.locale = Some("en".to_owned());
    let patch = json!({
        "name": {"given_name": null, "family_name": "Example"},
        "locale": null,
        "attributes": {"a": {"b": null, "e": {"x": null, "y": 1}}, "d": [1], "gone": null},
    });
    Patch::from_json(patch, users())
        .unwrap()
        .apply(&mut ann, users())
        .unwrap();
    assert_eq!(
        json!(ann.attributes),
        json!({"a": {"c": 2, "e": {"y": 1}}, "d": [1]})
    );
    assert_eq!(json!(ann.name), json!({"family_name": "Example"}));
    assert_eq!(ann.locale, None);
}

#[test]
fn every_limit_names_its_field() {
    let refused = |change: &dyn Fn(&mut contract::UserState)| {
        let mut ann = state(json!({}));
        change(&mut ann);
        check::check(&ann, users()).unwrap_err().field
    };
    assert_eq!(
        refused(&|s| s.name.given_name = Some("x".repeat(257))),
        "name.given_name"
    );
    assert_eq!(
        refused(&|s| s.name.formatted = Some(String::new())),
        "name.formatted"
    );
    // SB-34
    assert_eq!(
        refused(&|s| s.name.family_name = Some("a\r\nBcc: all".to_owned())),
        "name.family_name"
    );
    assert_eq!(refused(&|s| s.locale = Some("x".repeat(65))), "locale");
    assert_eq!(refused(&|s| s.locale = Some("en\nUS".to_owned())), "locale");
    assert_eq!(refused(&|s| s.zoneinfo = Some("x".repeat(65))), "zoneinfo");
    let mail = |value: &str| serde_json::from_value::<contract::Email>(json!({"value": value})).unwrap();
    assert_eq!(
        refused(&|s| s.emails = vec![mail("a@b.example"); 2]),
        "emails[1].value"
    );
    assert_eq!(refused(&|s| s.emails = vec![mail("a@b.example"); 21]), "emails");
    let put = |name: &str, value: Value| {
        let one = (name.to_owned(), value);
        move |s: &mut contract::UserState| s.attributes.extend([one.clone()])
    };
    assert_eq!(refused(&put("big", "x".repeat(16 * 1024).into())), "attributes");
    assert_eq!(refused(&put("k", json!({"deep": ["a\u{7}"]}))), "attributes.k");
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(refused(&put("k", nested(17))), "attributes.k");
    assert_eq!(check::check(&state(json!({"k": nested(16)})), users()), Ok(()));
    assert_eq!(refused(&put("displayName", json!(7))), "attributes.displayName");
    assert_eq!(refused(&put("", json!(7))), "attributes (a name)");
    // SB-35: where the field is empty, the attribute would stand in its place.
    let emails = json!([{"value": "root@b.example"}]);
    assert_eq!(refused(&put("emails", emails)), "attributes.emails");
    assert_eq!(refused(&put("timezone", json!("UTC"))), "attributes.timezone");
    // RFC 7643 §2.1: in any case.
    for name in ["USERNAME", "Emails", "TimeZone", "DISPLAYNAME", "Roles"] {
        assert_eq!(refused(&put(name, json!("x"))), format!("attributes.{name}"));
    }
}

#[test]
fn an_address_that_stays_keeps_its_proof() {
    let mut ann = state(json!({}));
    let mail = |value: &str, verified: bool| -> contract::Email {
        serde_json::from_value(json!({"value": value, "verified": verified})).unwrap()
    };
    ann.emails = vec![mail("old@b.example", true)];
    let wanted = DesiredState {
        emails: vec![mail("old@b.example", false), mail("new@b.example", true)],
        ..desired_user("ann")
    };
    wanted.replace(&mut ann);
    let proofs: Vec<bool> = ann.emails.iter().map(|email| email.verified).collect();
    assert_eq!(proofs, [true, false], "a client of the directory proves nothing");
}

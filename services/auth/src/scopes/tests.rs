//! Tests of scopes: the claims of the standards and of the configuration, and words.

use std::collections::BTreeSet;

use contract::{Email, PersonName, UserState};
use serde_json::{Value, json};
use uuid::Uuid;

use super::words::describe;
use super::*;
use crate::testing;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Ann, with a value for each claim of the standard.
fn ann() -> UserState {
    let text = |text: &str| Some(text.to_owned());
    let attributes = json!({
        "nickName": "Annie", "profileUrl": "https://ann.example/me", "title": "Captain",
        "photos": [{"value": "https://ann.example/1.png"}, {"value": "https://ann.example/2.png", "primary": true}],
        "phoneNumbers": [{"value": "+41 44 000 00 00", "type": "work"}],
        "addresses": [{"streetAddress": "Seestr. 1", "postalCode": "8000", "country": "CH", "type": "home"}],
        "urn:vestibule:params:scim:schemas:extension:profile:1.0:User":
            {"website": "https://ann.example", "gender": "female", "birthdate": "1984-05-06"},
        "urn:vestibule:params:scim:schemas:extension:configured:1.0:User": {"badge": 7},
        ENTERPRISE: {"department": "Harbour"},
    });
    UserState {
        name: PersonName {
            given_name: text("Ann"),
            middle_name: text("Mary"),
            family_name: text("Archer"),
            ..PersonName::default()
        },
        emails: vec![Email {
            value: "ann@example.org".parse().unwrap(),
            kind: None,
            primary: true,
            verified: true,
        }],
        locale: text("de-CH"),
        zoneinfo: text("Europe/Zurich"),
        attributes: serde_json::from_value(attributes).unwrap(),
        ..testing::person_state(Uuid::from_u128(1), "ann")
    }
}

fn info(scopes: &Scopes, state: UserState, allowed: &[&str]) -> Value {
    let subject = Subject::new(state, vec!["staff".to_owned()]);
    let info = scopes.user_info(
        (&subject.id.to_string(), &subject),
        |scope| allowed.contains(&scope),
        std::iter::empty(),
    );
    serde_json::to_value(info).unwrap()
}

/// The scopes of a configuration in TOML.
fn configured(text: &str) -> Result<Scopes, InvalidScopes> {
    Scopes::new(&toml::from_str(text).unwrap())
}

#[test]
fn every_standard_claim_has_its_value() {
    // OpenID Connect Core §5.1, §5.1.1, §5.4
    let scopes = Scopes::new(&BTreeMap::new()).unwrap();
    let all = info(
        &scopes,
        ann(),
        &["openid", "profile", "email", "phone", "address", "groups"],
    );
    let expected = json!({
        "sub": Uuid::from_u128(1), "name": "Ann Mary Archer", "given_name": "Ann", "middle_name": "Mary",
        "family_name": "Archer", "nickname": "Annie", "preferred_username": "ann",
        "profile": "https://ann.example/me", "picture": "https://ann.example/2.png",
        "website": "https://ann.example", "gender": "female", "birthdate": "1984-05-06",
        "zoneinfo": "Europe/Zurich", "locale": "de-CH", "updated_at": testing::BEGINNING.as_secs(),
        "email": "ann@example.org", "email_verified": true,
        "phone_number": "+41 44 000 00 00", "phone_number_verified": false,
        "address": {"street_address": "Seestr. 1", "postal_code": "8000", "country": "CH"},
        "groups": ["staff"],
    });
    assert_eq!(all, expected);
    for claim in oidc::claims::STANDARD_SCOPES
        .iter()
        .flat_map(|(_, claims)| *claims)
    {
        assert!(all.get(claim).is_some(), "{claim}");
    }
    let little = info(
        &scopes,
        testing::person_state(Uuid::from_u128(1), "ann"),
        &["profile", "email", "phone", "address"],
    );
    let names: BTreeSet<&String> = little.as_object().unwrap().keys().collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["preferred_username", "sub", "updated_at"],
        "no claim without a value"
    );
}

#[test]
fn the_name_is_the_one_that_the_person_writes() {
    let scopes = Scopes::default();
    let mut state = ann();
    state
        .attributes
        .insert("displayName".to_owned(), "Captain Archer".into());
    assert_eq!(
        info(&scopes, state.clone(), &["profile"])["name"],
        "Captain Archer"
    );
    state.name.formatted = Some("Ann M. Archer".to_owned());
    assert_eq!(info(&scopes, state, &["profile"])["name"], "Ann M. Archer");
}

#[test]
fn the_configuration_gives_scopes_their_claims() {
    let scopes = configured(&format!(
        r#"
        [work]
        description = "See your department"
        claims = {{ department = "{ENTERPRISE}:department", badge = "badge", countries = "addresses.country" }}
        [profile]
        claims = {{ job = "title" }}
        [email]
        claims = {{ department = "{ENTERPRISE}:department" }}
        [calendar]
        "#
    ))
    .unwrap();
    let sub = Uuid::from_u128(1);
    assert_eq!(
        info(&scopes, ann(), &["work"]),
        json!({ "sub": sub, "department": "Harbour", "badge": 7, "countries": ["CH"] })
    );
    assert_eq!(info(&scopes, ann(), &["profile"])["job"], "Captain");
    assert_eq!(info(&scopes, ann(), &["email"])["department"], "Harbour");
    assert_eq!(info(&scopes, ann(), &["calendar"]), json!({ "sub": sub }));
    assert!(scopes.claims().supported().contains(&"badge".to_owned()));
    assert_eq!(scopes.permission("work"), "See your department");
    assert_eq!(scopes.permission("calendar"), "Use the permission “calendar”");
}

#[test]
fn a_scope_that_cannot_be_is_refused_by_its_key() {
    for (text, key) in [
        ("[\"a b\"]", "scopes.a b"),
        ("[work]\ndescription = \" \"", "scopes.work.description"),
        ("[work]\nclaims = { sub = \"title\" }", "scopes.work.claims.sub"),
        (
            "[work]\nclaims = { groups = \"title\" }",
            "scopes.work.claims.groups",
        ),
        ("[work]\nclaims = { cnf = \"title\" }", "scopes.work.claims.cnf"),
        ("[work]\nclaims = { job = \"\" }", "scopes.work.claims.job"),
        ("[work]\nclaims = { job = \"a.b.c\" }", "scopes.work.claims.job"),
        (
            "[work]\nclaims = { job = \"title[0]\" }",
            "scopes.work.claims.job",
        ),
        (
            "[a]\nclaims = { job = \"title\" }\n[b]\nclaims = { job = \"userType\" }",
            "scopes.b.claims.job",
        ),
    ] {
        assert_eq!(configured(text).unwrap_err().key, key, "{text}");
    }
}

#[test]
fn scopes_with_rights_give_no_claims() {
    // SB-48
    for scope in [
        "admin",
        "users:read",
        "events:read",
        "directory:delegated",
        "offline_access",
    ] {
        let claims = format!("[\"{scope}\"]\nclaims = {{ salary = \"userType\" }}");
        assert_eq!(
            configured(&claims).unwrap_err().key,
            format!("scopes.{scope}.claims")
        );
        assert!(configured(&format!("[\"{scope}\"]\ndescription = \"Words\"")).is_ok());
    }
}

#[test]
fn every_scope_of_the_server_has_words() {
    let standard = ClaimScopes::default();
    let ours = contract::scopes::OF_CODES.iter().map(|(name, _)| *name);
    for scope in standard.scopes().chain(ours) {
        assert!(describe(scope).is_some(), "{scope}");
    }
    assert_eq!(describe("calendar"), None);
}

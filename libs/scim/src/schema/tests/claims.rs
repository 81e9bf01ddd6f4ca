//! Claims and the attributes that carry them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::schema::{CONFIGURED_USER, PROFILE_USER, Registry, STANDARD_CLAIMS};

#[test]
fn every_standard_claim_has_one_attribute() {
    // OpenID Connect Core §5.1, table 1
    let found: BTreeMap<String, String> = Registry::standard()
        .claims()
        .into_iter()
        .map(|source| (source.claim, source.attribute.to_string()))
        .collect();
    let profile = |name: &str| format!("{PROFILE_USER}:{name}");
    let expected = [
        ("sub", "id".to_owned()),
        ("name", "name.formatted".to_owned()),
        ("given_name", "name.givenName".to_owned()),
        ("family_name", "name.familyName".to_owned()),
        ("middle_name", "name.middleName".to_owned()),
        ("nickname", "nickName".to_owned()),
        ("preferred_username", "userName".to_owned()),
        ("profile", "profileUrl".to_owned()),
        ("picture", "photos.value".to_owned()),
        ("website", profile("website")),
        ("email", "emails.value".to_owned()),
        ("email_verified", profile("emailVerified")),
        ("gender", profile("gender")),
        ("birthdate", profile("birthdate")),
        ("zoneinfo", "timezone".to_owned()),
        ("locale", "locale".to_owned()),
        ("phone_number", "phoneNumbers.value".to_owned()),
        ("phone_number_verified", profile("phoneNumberVerified")),
        ("address", "addresses".to_owned()),
        ("updated_at", "meta.lastModified".to_owned()),
    ];
    let expected: BTreeMap<String, String> = expected
        .into_iter()
        .map(|(claim, path)| (claim.to_owned(), path))
        .collect();
    assert_eq!(found, expected);
    assert!(STANDARD_CLAIMS.iter().all(|claim| found.contains_key(*claim)));
}

#[test]
fn claims_have_the_values_of_the_preferred_ones() {
    // OpenID Connect Core §5.1, §5.1.1; RFC 7643 §2.4
    let config = json!({"attributes": [{"name": "badges", "multi_valued": true, "claim": "badges"}]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    let resource = json!({
        "id": "1", "userName": "ann", "name": {"givenName": "Ann", "formatted": "Ann Archer"},
        "emails": [{"value": "a@home.example"}, {"value": "a@work.example", "primary": true}],
        "phoneNumbers": [{"value": "+41 44 000 00 00"}, {"value": "+41 44 000 00 01"}],
        "addresses": [{"streetAddress": "Seestr. 1", "postalCode": "8000", "type": "home"}],
        "photos": [{"type": "photo"}],
        "meta": {"lastModified": "2008-01-23T04:56:22.9Z"},
        PROFILE_USER: {"birthdate": "1984", "emailVerified": true},
        CONFIGURED_USER: {"badges": ["a", "b"]},
    });
    let expected = json!({
        "sub": "1", "preferred_username": "ann", "given_name": "Ann", "name": "Ann Archer",
        "email": "a@work.example", "email_verified": true, "phone_number": "+41 44 000 00 00",
        "address": {"street_address": "Seestr. 1", "postal_code": "8000"},
        "birthdate": "1984", "updated_at": 1_201_064_182, "badges": ["a", "b"],
    });
    assert_eq!(
        Value::Object(registry.claims_of(resource.as_object().unwrap())),
        expected
    );
    assert!(registry.claims_of(json!({}).as_object().unwrap()).is_empty());
}

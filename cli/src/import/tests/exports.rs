//! Tests of the export files of other systems: fixtures in the form of its public documentation, and one that Keycloak wrote.

use password_hashes::ImportedHash;
use serde_json::json;

use super::*;

const MEMORY: u64 = 256 << 20;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/import/tests/fixtures")
        .join(name)
}

fn users(name: &str, format: FileFormat) -> Vec<(Value, String)> {
    let rows = rows_in(&fixture(name), format, &ReaderOptions::default());
    rows.iter().map(user_of).collect()
}

/// Asserts that `auth` accepts the hash of a user, and that it is of this password.
fn assert_password(hash: &str, password: &str) {
    let hash = ImportedHash::import(hash, MEMORY).expect("accepted");
    let mut memory = password_hashes::argon2::ScratchMemory::default();
    assert!(hash.verify(password.as_bytes(), &mut memory).expect("verified"));
}

#[test]
fn keycloak() {
    let rows = rows_in(
        &fixture("keycloak.json"),
        FileFormat::Keycloak,
        &ReaderOptions::default(),
    );
    let (ann, hash) = user_of(&rows[0]);
    assert_eq!(
        ann,
        json!({
            "userName": "ann",
            "externalId": "6c1f9bd2-3d3a-4c67-9d0b-0b1f6f8f6a11",
            "name": {"givenName": "Ann", "familyName": "Archer"},
            "emails": [{"primary": true, "value": "ann@example.org"}],
            "locale": "fr",
            "active": true,
        })
    );
    ImportedHash::import(&hash, MEMORY).expect("accepted");
    let (bob, none) = user_of(&rows[1]);
    assert_eq!((bob["active"].clone(), none.as_str()), (json!(false), ""));
    assert_eq!(
        refusal_of(&rows[2]).1,
        "is the account of a client, not of a person"
    );
    assert_eq!(rows.len(), 3, "what stands behind the list is not read");
}

#[test]
fn auth0() {
    let users = users("auth0.ndjson", FileFormat::Auth0);
    assert_eq!(
        users[0].0,
        json!({
            "userName": "ann@example.org",
            "externalId": "auth0|5f7c8ec7c33c6c004bbafe82",
            "name": {"givenName": "Ann", "familyName": "Archer", "formatted": "Ann Archer"},
            "nickName": "ann",
            "emails": [{"primary": true, "value": "ann@example.org"}],
            "photos": [{"value": "https://example.org/ann.png"}],
        })
    );
    let (bob, hash) = &users[1];
    assert_eq!(bob["externalId"], "auth0|5f7c8ec7c33c6c004bbafe83");
    ImportedHash::import(hash, MEMORY).expect("accepted");
    assert_eq!(users[2].0["active"], json!(false));
    assert_eq!(users[2].0["userName"], "cas");
}

#[test]
fn firebase() {
    let options = ReaderOptions {
        firebase_hash_config: Some(fixture("firebase-hash-config.txt")),
        ..ReaderOptions::default()
    };
    let rows = rows_in(&fixture("firebase.json"), FileFormat::Firebase, &options);
    let (ann, hash) = user_of(&rows[0]);
    assert_eq!(
        ann,
        json!({
            "userName": "user1@example.com",
            "externalId": "abcdefghijklmnopqrstuvwxyz12",
            "displayName": "Ann Archer",
            "emails": [{"primary": true, "value": "user1@example.com"}],
        })
    );
    // The example of the repository firebase/scrypt.
    assert_password(&hash, "user1password");
    assert_eq!(user_of(&rows[1]).0["userName"], "+15550100");
    let without = rows_in(
        &fixture("firebase.json"),
        FileFormat::Firebase,
        &ReaderOptions::default(),
    );
    assert!(refusal_of(&without[0]).1.contains("--firebase-hash-config"));
}

#[test]
fn cognito() {
    let users = users("cognito.csv", FileFormat::Cognito);
    assert_eq!(
        users[0].0,
        json!({
            "userName": "ann",
            "externalId": "ann",
            "name": {"formatted": "Ann Archer", "givenName": "Ann", "familyName": "Archer"},
            "emails": [{"primary": true, "value": "ann@example.org"}],
            "phoneNumbers": [{"value": "+15550100"}],
            "addresses": [{"formatted": "1 High Street, Bern"}],
            "timezone": "Europe/Zurich",
            "locale": "de-CH",
            "urn:vestibule:params:scim:schemas:extension:profile:1.0:User":
                {"website": "https://example.org", "gender": "female", "birthdate": "1990-01-02"},
        })
    );
    assert_eq!(users[1].0["userName"], "bob@example.org", "the name was an id");
    assert_eq!(users[1].0["externalId"], "3f0c6a30-9a53-4d6e-8c0f-2f6b9d1a7c55");
}

#[test]
fn kratos() {
    for (name, of_ann) in [("kratos.json", 0), ("kratos-list.json", 0)] {
        let users = users(name, FileFormat::Kratos);
        let (ann, hash) = &users[of_ann];
        assert_eq!(
            *ann,
            json!({
                "userName": "ann@example.org",
                "externalId": "9f425a8d-7efc-4768-8f23-7647a74fdf13",
                "name": {"givenName": "Ann", "familyName": "Archer"},
                "emails": [{"primary": true, "value": "ann@example.org"}],
            }),
            "{name}"
        );
        ImportedHash::import(hash, MEMORY).expect("accepted");
    }
    assert_eq!(
        users("kratos.json", FileFormat::Kratos)[1].0["active"],
        json!(false)
    );
}

#[test]
fn okta() {
    let users = users("okta.csv", FileFormat::Okta);
    let enterprise = &users[0].0["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(users[0].0["userName"], "ann.archer@example.org");
    assert_eq!(enterprise["department"], "Sales");
    assert_eq!(enterprise["manager"]["value"], "boss@example.org");
    assert_eq!(
        users[0].0["emails"][1],
        json!({"type": "other", "value": "ann@example.net"})
    );
    assert_eq!(users[0].0["addresses"][0]["country"], "CH");
}

#[test]
fn ldif() {
    let users = users("people.ldif", FileFormat::Ldif);
    assert_eq!(users.len(), 2, "a unit of the organisation is not a person");
    assert_eq!(
        users[0].0,
        json!({
            "userName": "ann",
            "externalId": "0b9d5c7e-1c1f-103f-8d3b-6f2f0a3b4c5d",
            "name": {"formatted": "Ann Archer", "familyName": "Archer", "givenName": "Ann"},
            "title": "Head of everything that matters here",
            "emails": [{"primary": true, "value": "ann@example.org"}],
            "phoneNumbers": [{"type": "mobile", "value": "+1 555 0100"}],
        })
    );
    ImportedHash::import(&users[0].1, MEMORY).expect("accepted");
    assert_eq!(users[1].0["name"]["familyName"], "Bücher");
    assert!(users[1].1.starts_with("{CRYPT}$6$"));
}

#[test]
fn every_user_of_a_fixture_passes_the_checks_of_the_services() {
    for (name, format) in [
        ("keycloak.json", FileFormat::Keycloak),
        ("keycloak-26.7.json", FileFormat::Keycloak),
        ("auth0.ndjson", FileFormat::Auth0),
        ("firebase.json", FileFormat::Firebase),
        ("cognito.csv", FileFormat::Cognito),
        ("kratos.json", FileFormat::Kratos),
        ("okta.csv", FileFormat::Okta),
        ("people.ldif", FileFormat::Ldif),
    ] {
        let options = ReaderOptions {
            firebase_hash_config: Some(fixture("firebase-hash-config.txt")),
            ..ReaderOptions::default()
        };
        let rows = rows_in(&fixture(name), format, &options);
        let users = rows.iter().filter_map(|row| match &row.item {
            Ok(Item::User(record)) => Some(record),
            _ => None,
        });
        let mut checked = 0;
        for record in users {
            dry_run::check_user(&record.user, &[]).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            dry_run::check_hash(record).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            checked += 1;
        }
        assert!(checked > 0, "{name}: no row is a user");
    }
}

#[test]
fn a_document_that_is_not_a_list_of_users_is_an_error() {
    let options = ReaderOptions::default();
    for (content, reason) in [
        (&b""[..], "has no list \"users\""),
        (b"7", "is not JSON"),
        (b"{}", "has no list \"users\""),
        (
            b"{\"realm\":{\"users\":[1]},\"users\":7}",
            "has no list \"users\"",
        ),
        (
            b"{\"a\":[\"]}\\\"\", {}],\"users\":[{\"username\":\"ann\"},",
            "after row 1",
        ),
        (
            b"{\"users\":[{\"username\":\"ann\"",
            "in the middle of the list, after row 1",
        ),
    ] {
        let error = error_of(content, FileFormat::Keycloak, &options);
        assert!(error.contains(reason), "{error}");
    }
    let rows = rows_of(
        b"{\"a\" : -1.5e3 , \"b\":null,\"users\" : [ 7 , {\"username\":\"ann\"}\n,\"x\" ], \"c\": ",
        FileFormat::Keycloak,
        &options,
    );
    assert_eq!(refusal_of(&rows[0]).1, "expected a JSON object");
    assert_eq!(user_of(&rows[1]).0, json!({"userName": "ann"}));
    assert_eq!(rows.len(), 3);
}

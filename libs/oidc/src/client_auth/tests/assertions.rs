//! Tests of client assertions (`private_key_jwt`).

use std::sync::LazyLock;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::{Algorithm, JwkSet, KeySet, SigningKey};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from_jwks(&JwkSet {
        keys: vec![key.public().clone()],
    })
}

fn expected() -> ExpectedAssertion<'static> {
    ExpectedAssertion {
        client_id: "robot",
        audiences: &[ISSUER],
        algorithms: ASSERTION_ALGORITHMS,
        now: NOW,
    }
}

/// The claims of a good assertion, with one of them changed, or taken out by null.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": "robot", "sub": "robot", "aud": ISSUER, "jti": "j1", "iat": NOW, "exp": NOW + 60,
    });
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn verify_with(
    typ: &str,
    claims: &Value,
    expected: &ExpectedAssertion<'_>,
) -> Result<VerifiedAssertion, String> {
    let token = KEY.sign(typ, claims).unwrap();
    let assertion = ClientAssertion::parse(&token).map_err(|error| error.to_string())?;
    assertion
        .verify(&keys(&KEY), expected)
        .map_err(|error| error.to_string())
}

#[test]
fn the_claims_are_those_of_the_standards() {
    // SB-27
    let rows = [
        ("RFC 7523 §3", "nonce", json!("x"), None),
        (
            "RFC 7523 §3 (1): iss is the client",
            "iss",
            json!("other"),
            Some("iss"),
        ),
        (
            "RFC 7523 §3 (1): iss is required",
            "iss",
            Value::Null,
            Some("malformed"),
        ),
        (
            "RFC 7523 §3 (2): sub is the client",
            "sub",
            json!("other"),
            Some("sub"),
        ),
        (
            "RFC 7523 §3 (2): sub is required",
            "sub",
            Value::Null,
            Some("sub"),
        ),
        (
            "rfc7523bis §4: aud is the issuer",
            "aud",
            json!("https://id.example/oauth2/token"),
            Some("aud"),
        ),
        (
            "rfc7523bis §4: aud is no other server",
            "aud",
            json!("https://other.example"),
            Some("aud"),
        ),
        (
            "FAPI 2.0 §5.3.2.1: aud is a string",
            "aud",
            json!([ISSUER]),
            Some("aud"),
        ),
        (
            "rfc7523bis §4: aud is alone",
            "aud",
            json!([ISSUER, "https://other.example"]),
            Some("aud"),
        ),
        (
            "RFC 7523 §3 (3): aud is required",
            "aud",
            Value::Null,
            Some("malformed"),
        ),
        (
            "RFC 7523 §3 (4): exp has not passed",
            "exp",
            json!(NOW - 30),
            Some("expired"),
        ),
        (
            "RFC 7523 §3 (4): with the clock skew",
            "exp",
            json!(NOW - 29),
            None,
        ),
        (
            "RFC 7523 §3 (4): exp is required",
            "exp",
            Value::Null,
            Some("malformed"),
        ),
        (
            "RFC 7523 §3 (4): exp is not unreasonably far",
            "exp",
            json!(NOW + 3631),
            Some("hour"),
        ),
        ("RFC 7523 §3 (4): an hour will do", "exp", json!(NOW + 3630), None),
        (
            "RFC 7523 §3 (5): nbf has come",
            "nbf",
            json!(NOW + 31),
            Some("not valid yet"),
        ),
        (
            "FAPI 2.0 §5.3.2.1: nbf 10 seconds ahead",
            "nbf",
            json!(NOW + 10),
            None,
        ),
        (
            "RFC 7523 §3 (6): iat is not in the future",
            "iat",
            json!(NOW + 31),
            Some("future"),
        ),
        (
            "FAPI 2.0 §5.3.2.1: iat 10 seconds ahead",
            "iat",
            json!(NOW + 10),
            None,
        ),
        (
            "OpenID Connect Core §9: jti is required",
            "jti",
            Value::Null,
            Some("jti"),
        ),
        (
            "OpenID Connect Core §9: jti is not empty",
            "jti",
            json!(""),
            Some("jti"),
        ),
        ("a jti is bounded", "jti", json!("x".repeat(257)), Some("jti")),
        (
            "OpenID Connect Core §9: iat is optional",
            "iat",
            Value::Null,
            None,
        ),
    ];
    for (section, name, value, refused) in rows {
        let outcome = verify_with("JWT", &claims(name, value), &expected());
        match (outcome, refused) {
            (Ok(verified), None) => assert_eq!(verified.jti, "j1", "{section}"),
            (Err(error), Some(part)) => assert!(error.contains(part), "{section}: {error}"),
            (outcome, _) => panic!("{section}: {outcome:?}"),
        }
    }
}

#[test]
fn an_assertion_was_made_at_its_iat_or_as_early_as_its_exp_allows() {
    // SB-27
    for (iat, issued_at) in [(json!(NOW - 100), NOW - 100), (Value::Null, NOW + 60 - 3600)] {
        let verified = verify_with("JWT", &claims("iat", iat), &expected()).unwrap();
        assert_eq!(verified.issued_at, issued_at);
    }
}

#[test]
fn the_type_is_none_jwt_or_the_one_of_assertions() {
    // SB-26
    for (typ, accepted) in [
        ("JWT", true),
        ("jwt", true),
        ("client-authentication+jwt", true),
        ("application/client-authentication+jwt", true),
        ("at+jwt", false),
        ("dpop+jwt", false),
        ("x-client-authentication+jwt", false),
    ] {
        let outcome = verify_with(typ, &claims("nonce", json!("x")), &expected());
        assert_eq!(outcome.is_ok(), accepted, "{typ}: {outcome:?}");
    }
}

#[test]
fn a_client_may_be_held_to_one_algorithm() {
    // OpenID Connect Registration §2, token_endpoint_auth_signing_alg
    for (algorithm, accepted) in [(Algorithm::Es256, true), (Algorithm::Rs256, false)] {
        let held = ExpectedAssertion {
            algorithms: &[algorithm],
            ..expected()
        };
        let outcome = verify_with("JWT", &claims("nonce", json!("x")), &held);
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
    }
}

#[test]
fn the_key_is_one_of_the_client() {
    let token = KEY.sign("JWT", &claims("nonce", json!("x"))).unwrap();
    let assertion = ClientAssertion::parse(&token).unwrap();
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(
        assertion.verify(&keys(&other), &expected()),
        Err(AssertionError::UnknownKey)
    );
    let mut renamed = other.public().clone();
    renamed.kid = Some(KEY.kid().to_owned());
    let forged = KeySet::from_jwks(&JwkSet { keys: vec![renamed] });
    let refused = assertion.verify(&forged, &expected()).unwrap_err();
    assert!(refused.to_string().contains("signature"), "{refused}");
}

fn parse_form(header: Option<&str>, more: &[(&str, &str)]) -> Result<(String, AuthMethod), ErrorCode> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(more)
        .finish();
    parse(header, &form).map(|(id, _, method)| (id, method))
}

#[test]
fn an_assertion_is_the_only_proof_of_a_request() {
    // SB-28; RFC 6749 §2.3, RFC 7521 §4.2
    let token = KEY.sign("JWT", &claims("nonce", json!("x"))).unwrap();
    let assertion = ("client_assertion", token.as_str());
    let kind = ("client_assertion_type", ASSERTION_TYPE);
    let robot = Ok(("robot".to_owned(), AuthMethod::PrivateKeyJwt));
    assert_eq!(parse_form(None, &[assertion, kind]), robot);
    assert_eq!(
        parse_form(None, &[assertion, kind, ("client_id", "robot")]),
        robot
    );
    let header = parse_basic("robot:secret");
    for (header, form, error) in [
        (
            None,
            vec![assertion, kind, ("client_id", "other")],
            ErrorCode::InvalidClient,
        ),
        (
            None,
            vec![assertion, kind, ("client_secret", "s")],
            ErrorCode::InvalidRequest,
        ),
        (
            Some(header.as_str()),
            vec![assertion, kind],
            ErrorCode::InvalidRequest,
        ),
        (None, vec![assertion], ErrorCode::InvalidRequest),
        (None, vec![kind], ErrorCode::InvalidRequest),
        (
            None,
            vec![assertion, ("client_assertion_type", "other")],
            ErrorCode::InvalidRequest,
        ),
        (
            None,
            vec![("client_assertion", "a.b.c"), kind],
            ErrorCode::InvalidClient,
        ),
    ] {
        assert_eq!(parse_form(header, &form), Err(error), "{form:?}");
    }
    let sent = format!("{:?}", ClientAssertion::parse(&token).unwrap());
    assert!(!sent.contains(&token), "{sent}");
}

proptest! {
    #[test]
    fn anything_may_be_sent_as_an_assertion(text in "\\PC{0,600}", claims in "\\PC{0,200}") {
        let _ = ClientAssertion::parse(&text);
        let token = format!("{}.{}.x", URL_SAFE_NO_PAD.encode("{\"alg\":\"ES256\"}"), URL_SAFE_NO_PAD.encode(claims));
        if let Ok(assertion) = ClientAssertion::parse(&token) {
            prop_assert!(assertion.verify(&keys(&KEY), &expected()).is_err());
        }
    }
}

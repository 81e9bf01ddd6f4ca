//! Tests of keys, signatures and token verification.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;

fn expect() -> Validation<'static> {
    Validation {
        typ: TYP_ACCESS_TOKEN,
        algorithms: &[Algorithm::Es256, Algorithm::Rs256],
        issuer: "https://id.example",
        audience: Some("https://api.example"),
        now: NOW,
        leeway: 30,
        accept_expired: false,
    }
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": ["x", "https://api.example"], "exp": NOW + 300, "sub": "ann"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from_jwks(&JwkSet {
        keys: vec![key.public().clone()],
    })
}

fn es256() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn check(token: &str, key: &SigningKey) -> Result<Value, VerifyError> {
    verify::<Value>(token, &keys(key), &expect()).map(|verified| verified.claims)
}

/// A token with any header, signed by `key`'s algorithm over whatever the header says.
fn forged(header: &Value, key: &SigningKey) -> String {
    let good = key.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
    let (_, rest) = good.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[test]
fn both_algorithms_sign_and_keys_survive_storage() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let key = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        let token = again.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
        assert_eq!(check(&token, &key).unwrap(), claims());
        let json = serde_json::to_string(key.public()).unwrap();
        assert!(!json.contains("\"d\""));
    }
    assert!(SigningKey::generate(Algorithm::EdDsa).is_err());
}

#[test]
fn the_thumbprint_is_that_of_the_standard() {
    // RFC 7638 §3.1.
    let key: Jwk = serde_json::from_value(json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    })).unwrap();
    assert_eq!(
        key.thumbprint().unwrap(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn algorithms_and_types_come_from_a_list_and_key_references_are_not_followed() {
    // SB-26
    let key = es256();
    let kid = key.kid();
    let header = |change: Value| {
        let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid});
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    for (change, error) in [
        (json!({"alg": "none"}), VerifyError::Algorithm),
        (json!({"alg": "None"}), VerifyError::Algorithm),
        (json!({"alg": "HS256"}), VerifyError::Algorithm),
        (json!({"alg": "EdDSA"}), VerifyError::Algorithm),
        (json!({"alg": "RS256"}), VerifyError::UnknownKey),
        (json!({"typ": "JWT"}), VerifyError::Type),
        (json!({"typ": null}), VerifyError::Type),
        (json!({"kid": "other"}), VerifyError::UnknownKey),
        (json!({"crit": ["b64"], "b64": false}), VerifyError::Malformed),
    ] {
        assert_eq!(
            check(&forged(&header(change.clone()), &key), &key),
            Err(error),
            "{change}"
        );
    }
    let attacker = es256();
    let own = serde_json::to_value(attacker.public()).unwrap();
    for change in [
        json!({"jwk": own, "kid": attacker.kid()}),
        json!({"jku": "https://evil.example/jwks", "kid": attacker.kid()}),
        json!({"x5u": "https://evil.example/cert", "x5c": ["AA"], "kid": attacker.kid()}),
    ] {
        let token = forged(&header(change), &attacker);
        assert_eq!(check(&token, &key), Err(VerifyError::UnknownKey));
    }
}

#[test]
fn issuer_audience_and_times_are_checked() {
    // SB-26
    let key = es256();
    let outcome = |claims: &Value| check(&key.sign(TYP_ACCESS_TOKEN, claims).unwrap(), &key).err();
    assert_eq!(
        outcome(&with("iss", json!("https://id.example/"))),
        Some(VerifyError::Issuer)
    );
    assert_eq!(
        outcome(&with("aud", json!("https://other.example"))),
        Some(VerifyError::Audience)
    );
    assert_eq!(outcome(&with("aud", json!("https://api.example"))), None);
    assert_eq!(outcome(&with("aud", json!([]))), Some(VerifyError::Audience));
    assert_eq!(outcome(&with("exp", json!(NOW - 30))), Some(VerifyError::Expired));
    assert_eq!(outcome(&with("exp", json!(NOW - 29))), None);
    assert_eq!(outcome(&with("exp", Value::Null)), Some(VerifyError::Malformed));
    assert_eq!(
        outcome(&with("nbf", json!(NOW + 31))),
        Some(VerifyError::NotYetValid)
    );
    let expired = key.sign(TYP_ACCESS_TOKEN, &with("exp", json!(1))).unwrap();
    let lenient = Validation {
        accept_expired: true,
        ..expect()
    };
    assert!(verify::<Value>(&expired, &keys(&key), &lenient).is_ok());
}

#[test]
fn keys_that_are_not_understood_are_passed_over() {
    let good = es256();
    let set: JwkSet = serde_json::from_value(json!({"keys": [
        {"kty": "oct", "k": "AA"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": "", "e": ""},
        {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"},
        good.public(),
    ]}))
    .unwrap();
    let keys = KeySet::from_jwks(&set);
    assert!(keys.has(good.kid()));
    let token = good.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
    assert!(verify::<Value>(&token, &keys, &expect()).is_ok());
}

#[test]
fn at_hash_is_half_of_the_hash() {
    // OpenID Connect Core, Appendix A.3 (an RS256 ID token with an access token).
    assert_eq!(
        at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
}

proptest! {
    #[test]
    fn anything_may_be_presented(text in "\\PC{0,600}") {
        let key = es256();
        prop_assert!(check(&text, &key).is_err());
        let _ = peek_header(&text);
    }

    #[test]
    fn a_token_with_one_byte_changed_is_refused(at in 0_usize..400, to in "[A-Za-z0-9_.-]") {
        let key = es256();
        let token = key.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);
        prop_assert!(check(&changed, &key).is_err());
    }
}

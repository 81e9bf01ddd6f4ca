//! Tests of keys, signatures and token verification.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
fn every_algorithm_signs_and_keys_survive_storage() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        let token = again.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
        assert_eq!(peek_header(&token).unwrap().alg, algorithm.name());
        let among = |algorithms: &[Algorithm]| {
            let validation = Validation {
                algorithms,
                ..expect()
            };
            verify::<Value>(&token, &keys(&key), &validation).map(|verified| verified.claims)
        };
        assert_eq!(among(&[algorithm]).unwrap(), claims());
        let others: Vec<_> = Algorithm::ALL
            .into_iter()
            .filter(|other| *other != algorithm)
            .collect();
        assert_eq!(among(&others), Err(VerifyError::Algorithm));
        let json = serde_json::to_string(key.public()).unwrap();
        assert!(!json.contains("\"d\""));
    }
}

#[test]
fn ed25519_is_that_of_the_standard() {
    // RFC 8037, Appendix A.2 to A.5.
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    }))
    .unwrap();
    assert_eq!(
        jwk.thumbprint().unwrap(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    let key = VerifyingKey::from_jwk(&jwk, Algorithm::EdDsa).unwrap();
    let signature = URL_SAFE_NO_PAD
        .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
        .unwrap();
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert!(key.verifies(&signature, signed));
    assert!(!key.verifies(&signature, &format!("{signed}0")));
}

#[test]
fn a_key_verifies_the_algorithms_of_its_type_unless_it_names_one() {
    let key = SigningKey::generate(Algorithm::Ps256).unwrap();
    let parsed = |jwk: &Jwk| {
        Algorithm::ALL
            .into_iter()
            .filter(|algorithm| VerifyingKey::from_jwk(jwk, *algorithm).is_ok())
            .collect::<Vec<_>>()
    };
    assert_eq!(parsed(key.public()), [Algorithm::Ps256]);
    let unnamed = Jwk {
        alg: None,
        ..key.public().clone()
    };
    assert_eq!(parsed(&unnamed), [Algorithm::Rs256, Algorithm::Ps256]);
    let set = KeySet::from_jwks(&JwkSet { keys: vec![unnamed] });
    let token = key.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
    let validation = Validation {
        algorithms: &[Algorithm::Ps256],
        ..expect()
    };
    assert!(verify::<Value>(&token, &set, &validation).is_ok());
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
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519"},
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
        Algorithm::Rs256.at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
    // The hash is that of the algorithm: its length is half of 32, 48 and 64 bytes.
    for (algorithm, bytes) in [
        (Algorithm::Rs256, 16),
        (Algorithm::Ps256, 16),
        (Algorithm::Es256, 16),
        (Algorithm::Es384, 24),
        (Algorithm::EdDsa, 32),
    ] {
        let hash = URL_SAFE_NO_PAD.decode(algorithm.at_hash("token")).unwrap();
        assert_eq!(hash.len(), bytes, "{algorithm}");
    }
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

#[test]
fn certificates_are_known_by_their_hash() {
    // RFC 7517 §4.7, RFC 8705 §3.1
    assert_eq!(
        certificate_thumbprint(b""),
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    );
    let mut jwk = SigningKey::generate(Algorithm::Es256).unwrap().public().clone();
    for (x5c, known) in [
        (None, false),
        (Some(vec![]), false),
        (Some(vec!["AAAA".to_owned(), "AAAB".to_owned()]), true),
        (Some(vec!["AAAB".to_owned(), "AAAA".to_owned()]), false),
        (Some(vec!["!".to_owned()]), false),
    ] {
        jwk.x5c = x5c;
        let set = JwkSet {
            keys: vec![jwk.clone()],
        };
        assert_eq!(
            KeySet::from_jwks(&set).has_certificate(&[0, 0, 0]),
            known,
            "{:?}",
            jwk.x5c
        );
    }
}

//! Tests of DPoP proofs: the checks of RFC 9449 §4.3, one by one.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::jose::SigningKey;

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://id.example/oauth2/token";
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn expected() -> ExpectedProof<'static> {
    ExpectedProof {
        method: "POST",
        url: URL,
        access_token: None,
        now: NOW,
    }
}

fn header(key: &SigningKey) -> Value {
    json!({"typ": TYP_DPOP, "alg": key.algorithm().name(), "jwk": key.public()})
}

fn claims() -> Value {
    json!({"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": URL, "iat": NOW})
}

fn proof(key: &SigningKey, header: &Value, claims: &Value) -> String {
    key.sign_with_header(header, claims).unwrap()
}

fn with(mut value: Value, member: &str, to: Value) -> Value {
    match to {
        Value::Null => value.as_object_mut().unwrap().remove(member),
        to => value.as_object_mut().unwrap().insert(member.to_owned(), to),
    };
    value
}

#[test]
fn every_algorithm_of_the_metadata_proves_possession() {
    for algorithm in DPOP_ALGORITHMS {
        let key = SigningKey::generate(algorithm).unwrap();
        let sent = with(claims(), "nonce", json!("eyJ7S_zG"));
        let verified = verify_proof(&proof(&key, &header(&key), &sent), &expected()).unwrap();
        assert_eq!(verified.jkt, key.public().thumbprint().unwrap());
        assert_eq!(verified.jti, "-BwC3ESc6acc2lTc");
        assert_eq!(verified.nonce.as_deref(), Some("eyJ7S_zG"));
    }
}

#[test]
fn the_header_of_a_proof_is_checked() {
    // SB-26: `jwk` is followed in a DPoP proof alone. RFC 9449 §4.3, checks 4 to 7.
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
    let private = |member: &str| {
        let jwk = with(serde_json::to_value(key.public()).unwrap(), member, json!("AA"));
        with(header(&key), "jwk", jwk)
    };
    for (changed, error) in [
        (with(header(&key), "typ", Value::Null), DpopError::Type),
        (with(header(&key), "typ", json!("JWT")), DpopError::Type),
        (with(header(&key), "alg", json!("none")), DpopError::Algorithm),
        (with(header(&key), "alg", json!("HS256")), DpopError::Algorithm),
        (with(header(&key), "alg", json!("ES384")), DpopError::Key),
        (with(header(&key), "alg", json!("RS256")), DpopError::Key),
        (with(header(&key), "jwk", Value::Null), DpopError::Key),
        (with(header(&key), "jwk", json!("x")), DpopError::Key),
        (with(header(&key), "jwk", json!({"kty": "oct"})), DpopError::Key),
        (
            with(header(&key), "jwk", serde_json::to_value(rsa.public()).unwrap()),
            DpopError::Key,
        ),
        (
            with(header(&key), "jwk", serde_json::to_value(other.public()).unwrap()),
            DpopError::Signature,
        ),
        (with(header(&key), "crit", json!(["b64"])), DpopError::Malformed),
        (private("d"), DpopError::PrivateKey),
        (private("k"), DpopError::PrivateKey),
    ] {
        let sent = proof(&key, &changed, &claims());
        assert_eq!(verify_proof(&sent, &expected()), Err(error), "{changed}");
    }
}

#[test]
fn the_claims_of_a_proof_are_checked() {
    // RFC 9449 §4.3, checks 3, 8, 9 and 11.
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    for (member, value, error) in [
        ("jti", Value::Null, DpopError::Claims),
        ("jti", json!(""), DpopError::Claims),
        ("jti", json!(7), DpopError::Claims),
        ("jti", json!("x".repeat(257)), DpopError::Claims),
        ("htm", Value::Null, DpopError::Claims),
        ("htm", json!("GET"), DpopError::Method),
        ("htm", json!("post"), DpopError::Method),
        ("htu", Value::Null, DpopError::Claims),
        ("htu", json!("https://id.example/oauth2/par"), DpopError::Url),
        (
            "htu",
            json!("https://id.example.evil/oauth2/token"),
            DpopError::Url,
        ),
        ("htu", json!("http://id.example/oauth2/token"), DpopError::Url),
        ("htu", json!("/oauth2/token"), DpopError::Url),
        ("iat", Value::Null, DpopError::Claims),
        ("iat", json!("now"), DpopError::Claims),
        ("iat", json!(NOW + 61), DpopError::Time),
        ("iat", json!(NOW - 301), DpopError::Time),
        ("iat", json!(i64::MIN), DpopError::Time),
    ] {
        let sent = proof(&key, &header(&key), &with(claims(), member, value.clone()));
        assert_eq!(verify_proof(&sent, &expected()), Err(error), "{member} {value}");
    }
    for (member, value) in [
        ("iat", json!(NOW + 60)),
        ("iat", json!(NOW - 300)),
        ("htu", json!("HTTPS://ID.example:443/oauth2/./token?x=1#y")),
    ] {
        let sent = proof(&key, &header(&key), &with(claims(), member, value.clone()));
        assert!(verify_proof(&sent, &expected()).is_ok(), "{member} {value}");
    }
}

#[test]
fn a_proof_is_for_one_access_token() {
    // RFC 9449 §7.1, the example: the hash of its token.
    assert_eq!(
        access_token_hash(TOKEN),
        "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    );
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let at_resource = ExpectedProof {
        access_token: Some(TOKEN),
        ..expected()
    };
    for (ath, outcome) in [
        (Value::Null, Some(DpopError::AccessToken)),
        (json!(access_token_hash("another")), Some(DpopError::AccessToken)),
        (json!(access_token_hash(TOKEN)), None),
    ] {
        let sent = proof(&key, &header(&key), &with(claims(), "ath", ath));
        assert_eq!(verify_proof(&sent, &at_resource).err(), outcome);
    }
}

#[test]
fn the_nonce_is_read_before_anything_is_verified() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let unverified = json!({"typ": "JWT", "alg": "none", "jwk": {"kty": "oct"}, "crit": ["b64"]});
    for (changed, outcome) in [
        (claims(), Ok(None)),
        (
            with(claims(), "nonce", json!("eyJ7S_zG")),
            Ok(Some("eyJ7S_zG".to_owned())),
        ),
        (with(claims(), "htm", json!("GET")), Ok(None)),
        (with(claims(), "iat", json!(0)), Ok(None)),
        (with(claims(), "nonce", json!(7)), Err(DpopError::Claims)),
        (with(claims(), "jti", Value::Null), Err(DpopError::Claims)),
    ] {
        let sent = proof(&key, &unverified, &changed);
        assert_eq!(unverified_nonce(&sent), outcome, "{changed}");
        let (signed, _) = sent.rsplit_once('.').unwrap();
        assert_eq!(unverified_nonce(&format!("{signed}.")), outcome, "{changed}");
    }
    let padded = with(claims(), "x", json!("y".repeat(MAX_PROOF_BYTES)));
    let long = proof(&key, &header(&key), &padded);
    for text in ["", "x", ".", "..", "e30.e30", "e30.W10.", long.as_str()] {
        assert_eq!(unverified_nonce(text), Err(DpopError::Malformed), "{text}");
    }
}

#[test]
fn a_thumbprint_has_43_characters_of_base64url() {
    assert!(is_thumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    for text in [
        "",
        "0ZcOCORZNYy",
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4+",
        "é",
    ] {
        assert!(!is_thumbprint(text), "{text}");
    }
}

proptest! {
    #[test]
    fn anything_may_be_presented(text in "\\PC{0,600}") {
        prop_assert!(verify_proof(&text, &expected()).is_err());
    }

    #[test]
    fn a_proof_with_one_byte_changed_is_refused(at in 0_usize..500, to in "[A-Za-z0-9_.-]") {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let sent = proof(&key, &header(&key), &claims());
        let at = at % sent.len();
        let changed = format!("{}{to}{}", &sent[..at], &sent[at + 1..]);
        prop_assume!(changed != sent);
        prop_assert!(verify_proof(&changed, &expected()).is_err());
    }
}

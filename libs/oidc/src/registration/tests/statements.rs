//! Tests of software statements (RFC 7591 §2.3).

use serde_json::json;

use super::*;
use crate::jose::{Algorithm, JwkSet, KeySet, SigningKey};

#[test]
fn a_software_statement_of_a_trusted_issuer_takes_precedence() {
    // RFC 7591 §2.3, §3.1.1
    let [key, other] = [0, 1].map(|_| SigningKey::generate(Algorithm::Es256).unwrap());
    let issuers = [StatementIssuer {
        issuer: "house".to_owned(),
        keys: KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        }),
    }];
    let scopes = scopes();
    let rules = RegistrationRules {
        statement_issuers: &issuers,
        ..rules(&scopes)
    };
    let try_with = |statement: &Value| {
        let body = json!({
            "redirect_uris": ["https://app.example/cb"], "client_name": "Mine", "scope": "openid",
            "software_statement": statement,
        });
        let request = RegistrationRequest::parse(body.to_string().as_bytes()).unwrap();
        request.metadata(&rules).map_err(|error| error.error)
    };
    let signed = |key: &SigningKey, typ: &str, claims: Value| json!(key.sign(typ, &claims).unwrap());
    let claims = json!({"iss": "house", "client_name": "Theirs", "require_pkce": false, "redirect_uris": ["https://theirs.example/"]});
    let metadata = try_with(&signed(&key, "JWT", claims)).unwrap();
    assert_eq!(metadata.client_name.as_deref(), Some("Theirs"));
    assert_eq!(metadata.redirect_uris[0].as_str(), "https://theirs.example/");
    assert!(metadata.require_pkce && metadata.scope.contains("openid"));
    let now = rules.now;
    for (statement, expected) in [
        (json!("a.b.c"), Some(ErrorCode::InvalidSoftwareStatement)),
        (json!("text"), Some(ErrorCode::InvalidSoftwareStatement)),
        (json!(7), Some(ErrorCode::InvalidClientMetadata)),
        (json!(null), None),
        (
            signed(&key, "JWT", json!({"iss": "stranger"})),
            Some(ErrorCode::UnapprovedSoftwareStatement),
        ),
        (
            signed(&key, "JWT", json!({"client_name": "x"})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&other, "JWT", json!({"iss": "house"})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&key, "at+jwt", json!({"iss": "house"})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&key, "JWT", json!({"iss": "house", "exp": now - 31})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&key, "JWT", json!({"iss": "house", "exp": "soon"})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&key, "JWT", json!({"iss": "house", "nbf": now + 31})),
            Some(ErrorCode::InvalidSoftwareStatement),
        ),
        (
            signed(&key, "JWT", json!({"iss": "house", "exp": now, "nbf": now})),
            None,
        ),
        (
            signed(
                &key,
                "JWT",
                json!({"iss": "house", "grant_types": ["client_credentials"]}),
            ),
            Some(ErrorCode::InvalidClientMetadata),
        ),
    ] {
        assert_eq!(try_with(&statement).err(), expected, "{statement}");
    }
}

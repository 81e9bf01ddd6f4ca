//! Tests of claims.

use serde_json::{Value, json};

use super::*;

/// The scope and the names of the claims that it gives (OpenID Connect Core §5.3.2, §5.4).
const ROWS: &[(&[&str], &[&str])] = &[
    (&["openid"], &["sub"]),
    (
        &["openid", "profile"],
        &[
            "birthdate",
            "family_name",
            "gender",
            "given_name",
            "locale",
            "middle_name",
            "name",
            "nickname",
            "picture",
            "preferred_username",
            "profile",
            "sub",
            "updated_at",
            "website",
            "zoneinfo",
        ],
    ),
    (&["openid", "email"], &["email", "email_verified", "sub"]),
    (
        &["openid", "phone"],
        &["phone_number", "phone_number_verified", "sub"],
    ),
    (&["openid", "address"], &["address", "sub"]),
    (&["openid", "groups"], &["groups", "sub"]),
    (&["openid", "work"], &["department", "sub"]),
];

/// The scopes of a server whose configuration has one more.
fn scopes() -> ClaimScopes {
    let mut scopes = ClaimScopes::default();
    scopes.add_claim("work", "department");
    scopes
}

#[test]
fn a_scope_gives_its_claims() {
    let scopes = scopes();
    for (scope, names) in ROWS {
        let claims = scopes.claims_of(|token| scope.contains(&token));
        let info = UserInfo::of("ann", claims, |name| Some(name.into()));
        let mut found: Vec<&str> = info.names().collect();
        found.sort_unstable();
        assert_eq!(found, *names, "{scope:?}");
        let scope = Scope::of(*scope).unwrap();
        for name in ["groups", "preferred_username"] {
            assert_eq!(scopes.gives(&scope, name), names.contains(&name), "{scope}");
        }
        assert_eq!(info.get("sub"), Some(&json!("ann")));
    }
}

#[test]
fn a_claim_without_a_value_is_left_out() {
    // OpenID Connect Core §5.3.2
    let scopes = ClaimScopes::default();
    let claims = scopes.claims_of(|_| true);
    let info = UserInfo::of("ann", claims, |name| (name == "email").then(|| "a@b.c".into()));
    assert_eq!(
        serde_json::to_value(&info).unwrap(),
        json!({ "sub": "ann", "email": "a@b.c" })
    );
}

#[test]
fn supported_scopes_are_named_once() {
    // RFC 8414 §2
    let mut scopes = ClaimScopes::default();
    for scope in ["openid", "offline_access", "work"] {
        scopes.add_scope(scope);
    }
    let supported: Vec<&str> = scopes.supported_scopes().collect();
    assert_eq!(
        supported,
        [
            "openid",
            "address",
            "email",
            "groups",
            "phone",
            "profile",
            "work",
            "offline_access"
        ]
    );
}

#[test]
fn supported_claims_are_those_of_id_tokens_and_of_all_scopes() {
    // OpenID Connect Discovery §3
    let supported = scopes().supported();
    for claim in [
        "sub",
        "nonce",
        "birthdate",
        "phone_number",
        "address",
        "groups",
        "department",
    ] {
        assert_eq!(
            supported.iter().filter(|name| *name == claim).count(),
            1,
            "{claim}"
        );
    }
    for claim in ["iss", "acr", "events", "sub"] {
        assert!(is_reserved(claim), "{claim}");
    }
    assert!(!is_reserved("department") && !is_reserved("email"));
}

fn access_token() -> Value {
    json!({
        "iss": "https://id.example", "sub": "ann", "aud": "https://users.example", "exp": 2, "iat": 1, "jti": "j1",
        "client_id": "web", "scope": "openid email", "sid": "s1", "gid": "g1", "auth_time": 1, "amr": ["pwd"],
        "groups": ["staff"],
    })
}

#[test]
fn an_access_token_has_the_claims_of_rfc_9068() {
    // RFC 9068 §2.2: these are required.
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let mut claims = access_token();
        claims.as_object_mut().unwrap().remove(name);
        assert!(
            serde_json::from_value::<AccessTokenClaims>(claims).is_err(),
            "{name}"
        );
    }
    // RFC 9068 §2.2.1, §2.2.3: these are not.
    for name in ["scope", "sid", "gid", "auth_time", "amr", "groups"] {
        let mut claims = access_token();
        claims.as_object_mut().unwrap().remove(name);
        assert!(
            serde_json::from_value::<AccessTokenClaims>(claims).is_ok(),
            "{name}"
        );
    }
    let read: AccessTokenClaims = serde_json::from_value(access_token()).unwrap();
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        access_token(),
        "what is signed is what is read"
    );
}

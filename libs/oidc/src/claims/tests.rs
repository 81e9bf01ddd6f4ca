//! Tests of claims.

use serde_json::{Value, json};

use super::*;

fn everything() -> UserInfo {
    let text = |text: &str| Some(text.to_owned());
    UserInfo {
        sub: "ann".to_owned(),
        name: text("Ann Lee"),
        given_name: text("Ann"),
        family_name: text("Lee"),
        preferred_username: text("ann"),
        locale: text("en"),
        zoneinfo: text("Europe/Berlin"),
        updated_at: Some(1),
        email: text("ann@example.org"),
        email_verified: Some(true),
        groups: Some(vec!["staff".to_owned()]),
    }
}

/// The scope and the names of the claims that it allows (OpenID Connect Core §5.3.2, §5.4).
const ROWS: &[(&[&str], &[&str])] = &[
    (&["openid"], &["sub"]),
    (
        &["openid", "profile"],
        &[
            "family_name",
            "given_name",
            "locale",
            "name",
            "preferred_username",
            "sub",
            "updated_at",
            "zoneinfo",
        ],
    ),
    (&["openid", "email"], &["email", "email_verified", "sub"]),
    (&["openid", "groups"], &["groups", "sub"]),
];

#[test]
fn a_scope_allows_its_claims() {
    for (scope, names) in ROWS {
        let info = everything().limited_to(|token| scope.contains(&token));
        let json = serde_json::to_value(&info).unwrap();
        let mut found: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, *names, "{scope:?}");
    }
    assert_eq!(everything().limited_to(|_| true), everything());
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

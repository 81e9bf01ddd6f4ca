//! Tests of introspection requests.

use super::*;
use crate::resource::Resource;
use crate::testing::{metadata, web};

fn token(client_id: &str, audiences: &[&str]) -> AccessTokenClaims {
    AccessTokenClaims {
        iss: "https://id.example".to_owned(),
        sub: "ann".to_owned(),
        aud: Audience::Many(audiences.iter().map(|name| (*name).to_owned()).collect()),
        exp: 2,
        iat: 1,
        jti: "1".to_owned(),
        client_id: client_id.to_owned(),
        scope: Scope::default(),
        sid: None,
        gid: None,
        cnf: None,
        auth_time: None,
        acr: None,
        amr: Vec::new(),
        authorization_details: Default::default(),
        groups: Vec::new(),
        act: None,
        client_chain: Vec::new(),
        roles: Vec::new(),
    }
}

#[test]
fn a_client_learns_about_its_own_tokens_and_those_for_the_resource_that_it_is() {
    // RFC 7662 §4
    let plain = metadata(|_| {});
    let api = metadata(|client| client.resource = Some(Resource::parse("https://api.example").unwrap()));
    let other = "https://other.example";
    for (metadata, client_id, audiences, allowed) in [
        (&plain, "web", [other, other], true),
        (&plain, "phone", [other, "https://api.example"], false),
        (&api, "phone", [other, "https://api.example"], true),
        (&api, "phone", [other, "https://api.example/"], true),
        (&api, "phone", [other, "https://api.example.evil"], false),
    ] {
        let seen = may_introspect(web(metadata), &token(client_id, &audiences));
        assert_eq!(seen, allowed, "{client_id} {audiences:?}");
    }
}

#[test]
fn of_a_token_that_is_not_active_nothing_is_said() {
    // RFC 7662 §2.2
    let inactive = serde_json::to_string(&IntrospectionResponse::default()).unwrap();
    assert_eq!(inactive, r#"{"active":false}"#);
}

#[test]
fn a_request_names_a_token() {
    for form in ["", "token=", "token_type_hint=access_token"] {
        let refused = IntrospectionRequest::parse(&Params::parse(form, &[]).unwrap()).unwrap_err();
        assert_eq!(refused.error, ErrorCode::InvalidRequest, "{form}");
    }
    let request =
        IntrospectionRequest::parse(&Params::parse("token=abc&token_type_hint=x", &[]).unwrap()).unwrap();
    assert!(!format!("{request:?}").contains("abc"));
}

#[test]
fn a_signed_response_is_asked_for_by_its_media_type() {
    // RFC 9701 §4
    for (accept, jwt) in [
        ("application/token-introspection+jwt", true),
        (
            "application/json;q=0.5, Application/Token-Introspection+JWT;q=1",
            true,
        ),
        ("application/token-introspection+jwt; q=0", false),
        ("application/token-introspection+jwt;Q=0.000, */*", false),
        ("application/token-introspection+jwt;q=0.001", true),
        ("application/json", false),
        ("*/*", false),
        ("", false),
    ] {
        assert_eq!(accepts_jwt(accept), jwt, "{accept}");
    }
}

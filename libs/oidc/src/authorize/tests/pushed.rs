//! Tests of pushed authorization requests.

use super::*;
use crate::authorize::{PushedResponse, check_pushed, pushed_reference, pushed_request};
use crate::client::ClientMetadata;
use crate::error::OAuthError;
use crate::params::Params;
use crate::server::AuthorizationServer;
use crate::testing::{NOW, metadata, server, web};

fn push(form: &str, change: fn(&mut ClientMetadata)) -> Result<UnverifiedAuthorizationRequest, OAuthError> {
    let form = Params::parse(form, &["resource"]).unwrap();
    let request = pushed_request(&form, "web")?;
    check_pushed(&request, web(&metadata(change)), server(), NOW).map(|()| request)
}

#[test]
fn a_pushed_request_is_checked_like_one_that_a_browser_brings() {
    // RFC 9126 §2.1, §2.3; SB-20, SB-22, SB-23
    for (section, more, expected) in [
        ("RFC 9126 §2.1: a good one", "", None),
        (
            "RFC 9126 §2.1: no request_uri",
            "request_uri=urn:ietf:params:oauth:request_uri:x",
            Some(ErrorCode::InvalidRequest),
        ),
        (
            "RFC 6749 §3.3: scope",
            "scope=dance%22",
            Some(ErrorCode::InvalidScope),
        ),
        (
            "RFC 6749 §3.1.1: response_type",
            "response_type=token",
            Some(ErrorCode::UnsupportedResponseType),
        ),
        (
            "RFC 9126 §2.3: redirect_uri that is not registered",
            "redirect_uri=https%3A%2F%2Fevil.example",
            Some(ErrorCode::InvalidRequest),
        ),
        (
            "RFC 7636 §4.3: plain",
            "code_challenge_method=plain",
            Some(ErrorCode::InvalidRequest),
        ),
        (
            "RFC 8707 §2: resource",
            "resource=https%3A%2F%2Fother.example",
            Some(ErrorCode::InvalidTarget),
        ),
        (
            "Core §3.1.2.1: prompt",
            "prompt=none+login",
            Some(ErrorCode::InvalidRequest),
        ),
    ] {
        let name = more.split('=').next().unwrap();
        let kept: Vec<&str> = GOOD
            .split('&')
            .filter(|pair| pair.split('=').next() != Some(name))
            .collect();
        let form = format!("{}&{more}", kept.join("&"));
        let outcome = push(&form, |_| {}).err().map(|error| error.error);
        assert_eq!(outcome, expected, "{section}");
    }
}

#[test]
fn what_authenticates_the_client_is_no_part_of_the_request() {
    // RFC 9126 §2; SB-28
    let form = format!("{GOOD}&client_secret=swordfish&client_assertion=a&client_assertion_type=b");
    let request = push(&form, |_| {}).unwrap();
    let stored = request.params().encoded(&[]);
    assert!(
        !stored.contains("swordfish") && !stored.contains("assertion"),
        "{stored}"
    );
    assert_eq!(request.client_id, "web");
    let without = push(&GOOD.replace("client_id=web&", ""), |_| {}).unwrap();
    assert_eq!(
        without.params().only("client_id"),
        Some("web"),
        "by the authentication"
    );
}

#[test]
fn a_request_that_must_be_pushed_is_refused_from_a_browser() {
    // RFC 9126 §5, §6
    let required = metadata(|client| client.require_pushed_authorization_requests = true);
    let all = AuthorizationServer {
        requires_pushed_requests: true,
        ..server()
    };
    let ordinary = metadata(|_| {});
    let request = UnverifiedAuthorizationRequest::parse(GOOD).unwrap();
    for (metadata, server) in [(&required, server()), (&ordinary, all)] {
        let Err(AuthorizationError::Redirect(error)) = check(&request, web(metadata), server, NOW) else {
            panic!("it came from a browser");
        };
        assert_eq!(error.error().error, ErrorCode::InvalidRequest);
        assert!(check(&request.clone().pushed(), web(metadata), server, NOW).is_ok());
    }
}

#[test]
fn a_request_uri_of_ours_has_a_reference() {
    // RFC 9126 §2.2
    let response = PushedResponse::new("6esc_11ACC5bwc014ltc14eY22c");
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":90}"#
    );
    assert_eq!(
        pushed_reference(&response.request_uri),
        Some("6esc_11ACC5bwc014ltc14eY22c")
    );
    for other in [
        "",
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:a b",
        "urn:ietf:params:oauth:request_uri:ä",
        "URN:ietf:params:oauth:request_uri:a",
        "https://app.example/request.jwt",
    ] {
        assert_eq!(pushed_reference(other), None, "{other}");
    }
    assert_eq!(
        pushed_reference(&format!("urn:ietf:params:oauth:request_uri:{}", "a".repeat(129))),
        None
    );
}

proptest! {
    #[test]
    fn anything_may_be_pushed(text in "\\PC{0,600}") {
        if let Ok(form) = Params::parse_lenient(&text) {
            let _ = pushed_request(&form, "web").and_then(|request| check_pushed(&request, web(&metadata(|_| {})), server(), NOW));
        }
        let _ = pushed_reference(&text);
    }
}

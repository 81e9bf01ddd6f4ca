//! Tests of responses and their encoding.

use std::convert::Infallible;

use super::*;
use crate::testing::{CALLBACK, ISSUER, NOW};

/// The URL of a response in the mode `query`.
pub(super) fn sent(response: AuthorizationResponse) -> String {
    match encoded(response) {
        EncodedResponse::Redirect(url) => url,
        EncodedResponse::FormPost { action, .. } => panic!("a form for {action}"),
    }
}

fn encoded(response: AuthorizationResponse) -> EncodedResponse {
    let claims = |claims: &ResponseClaims| Ok::<_, Infallible>(serde_json::to_string(claims).unwrap());
    response.encode(NOW, claims).unwrap()
}

fn target(redirect_uri: &str, state: Option<&str>, mode: ResponseMode) -> ResponseTarget {
    ResponseTarget {
        redirect_uri: redirect_uri.to_owned(),
        state: state.map(str::to_owned),
        issuer: ISSUER.to_owned(),
        client_id: "web".to_owned(),
        mode,
    }
}

#[test]
fn answers_carry_the_issuer_and_keep_the_query() {
    // SB-25
    let target = |uri, state| target(uri, state, ResponseMode::Query);
    assert_eq!(
        sent(target("https://app.example/cb?a=b", Some("x&y")).code("c d")),
        "https://app.example/cb?a=b&code=c+d&state=x%26y&iss=https%3A%2F%2Fid.example"
    );
    let error = target(CALLBACK, None).error(ErrorCode::AccessDenied.because("no"));
    assert_eq!(
        sent(error.response()),
        "https://app.example/cb?error=access_denied&error_description=no&iss=https%3A%2F%2Fid.example"
    );
}

#[test]
fn a_posted_response_has_the_same_parameters_in_fields() {
    // Form Post Response Mode §2, RFC 9207 §2
    let target = target(
        "https://app.example/cb?a=b",
        Some("\"><x"),
        ResponseMode::FormPost,
    );
    for (response, first) in [
        (target.code("c"), vec![("code", "c")]),
        (
            target.error(ErrorCode::AccessDenied.because("no")).response(),
            vec![("error", "access_denied"), ("error_description", "no")],
        ),
    ] {
        let rest = [("state", "\"><x"), ("iss", ISSUER)];
        let fields = first.into_iter().chain(rest);
        assert_eq!(
            encoded(response),
            EncodedResponse::FormPost {
                action: "https://app.example/cb?a=b".to_owned(),
                fields: fields.map(|(name, value)| (name, value.to_owned())).collect(),
            }
        );
    }
}

#[test]
fn a_signed_response_is_one_parameter_for_one_client_and_five_minutes() {
    // JARM §2.1, §2.3; RFC 9207 §2.4
    let claims = |more: &str| format!(r#"{{"iss":"{ISSUER}","aud":"web","exp":{},{more}}}"#, NOW + 300);
    let posted = target(CALLBACK, Some("s"), ResponseMode::FormPostJwt);
    assert_eq!(
        encoded(posted.code("c")),
        EncodedResponse::FormPost {
            action: CALLBACK.to_owned(),
            fields: vec![("response", claims(r#""code":"c","state":"s""#))],
        }
    );
    let error = target(CALLBACK, None, ResponseMode::QueryJwt).error(ErrorCode::AccessDenied.because("no"));
    let response = claims(r#""error":"access_denied","error_description":"no""#);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response", &response)
        .finish();
    assert_eq!(sent(error.response()), format!("{CALLBACK}?{query}"));
}

#[test]
fn a_response_that_cannot_be_signed_says_so_and_nothing_else() {
    // JARM §2.3: the code of an unsigned response would lose its protection.
    for mode in [ResponseMode::QueryJwt, ResponseMode::FormPostJwt] {
        let response = target(CALLBACK, Some("s"), mode).code("c");
        assert_eq!(response.clone().encode(NOW, |_| Err("no key")), Err("no key"));
        let text = format!(
            "{:?}",
            encoded(response.unsigned(ErrorCode::ServerError.because("no")))
        );
        assert!(text.contains("server_error") && !text.contains("code"), "{text}");
    }
}

#[test]
fn the_names_of_the_modes_are_those_that_are_advertised() {
    for name in ResponseMode::NAMES {
        assert!(ResponseMode::from_name(name).is_some(), "{name}");
    }
    for other in ["", "fragment", "fragment.jwt", "QUERY", "web_message", "query "] {
        assert_eq!(ResponseMode::from_name(other), None, "{other:?}");
    }
}

#[test]
fn an_error_keeps_the_mode_of_its_request_if_that_is_supported() {
    // OAuth 2.0 Multiple Response Type Encoding Practices §2.1
    for (mode, expected) in [
        ("form_post", ResponseMode::FormPost),
        ("jwt", ResponseMode::QueryJwt),
        ("fragment", ResponseMode::Query),
        ("query&response_mode=form_post", ResponseMode::Query),
    ] {
        let request = format!("{GOOD}&scope=x&response_mode={mode}");
        let request = UnverifiedAuthorizationRequest::parse(&request).unwrap();
        assert_eq!(request.response_mode(), expected, "{mode}");
    }
}

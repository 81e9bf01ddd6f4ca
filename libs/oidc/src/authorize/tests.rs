//! Tests of authorization requests and responses.

mod decisions;
mod pushed;
mod request_objects;
mod responses;

use proptest::prelude::*;

use url::form_urlencoded;

use super::*;
use crate::error::ErrorCode;
use crate::params::ParamsError;

const GOOD: &str = "response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid&state=x\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn outcome(more: &str) -> Result<AuthorizationRequest, ErrorCode> {
    let request = UnverifiedAuthorizationRequest::parse(&format!("{GOOD}&{more}")).unwrap();
    request.validate().map_err(|error| error.error)
}

#[test]
fn a_good_request_is_read_and_what_is_unknown_is_passed_over() {
    let request = outcome("unknown=1&nonce=n&max_age=60&prompt=login+consent&resource=https://a.example&resource=https://b.example").unwrap();
    assert_eq!((request.nonce.as_deref(), request.max_age), (Some("n"), Some(60)));
    assert!(request.prompt.login && request.prompt.consent && !request.prompt.none);
    assert_eq!(request.resources.len(), 2);
    assert!(request.code_challenge.is_some());
}

#[test]
fn without_a_client_or_with_two_nobody_can_be_answered() {
    // SB-20
    assert!(matches!(
        UnverifiedAuthorizationRequest::parse("a=b"),
        Err(PageError::NoClient)
    ));
    for twice in ["client_id=other", "redirect_uri=https%3A%2F%2Fevil.example"] {
        let request = UnverifiedAuthorizationRequest::parse(&format!("{GOOD}&{twice}"));
        assert!(matches!(
            request,
            Err(PageError::Params(ParamsError::Duplicate(_)))
        ));
    }
}

#[test]
fn the_rest_is_told_to_the_client() {
    for bad in [
        "state=y",
        "prompt=none+login",
        "prompt=dance",
        "max_age=1.5",
        "max_age=%2B1",
        "response_mode=fragment",
    ] {
        assert_eq!(outcome(bad).err(), Some(ErrorCode::InvalidRequest), "{bad}");
    }
    let plain = GOOD.replace("=S256", "=plain");
    let error = UnverifiedAuthorizationRequest::parse(&plain)
        .unwrap()
        .validate()
        .unwrap_err();
    assert_eq!(error.error, ErrorCode::InvalidRequest);
    assert_eq!(
        UnverifiedAuthorizationRequest::parse(&format!("{GOOD}&state=y"))
            .unwrap()
            .state(),
        None,
        "an ambiguous state is not returned"
    );
}

proptest! {
    #[test]
    fn anything_may_come(text in "\\PC{0,600}") {
        if let Ok(request) = UnverifiedAuthorizationRequest::parse(&text) {
            let _ = request.validate();
        }
    }

    #[test]
    fn any_value_may_come(name in "response_type|response_mode|claims|scope|state|nonce|prompt|max_age|resource|code_challenge", value in "\\PC{0,600}") {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
        if let Ok(request) = UnverifiedAuthorizationRequest::parse(&format!("client_id=a&{pair}")) {
            let _ = request.validate();
        }
    }
}

//! Tests of token requests.

use proptest::prelude::*;

use super::*;

fn kind(form: &str) -> Result<TokenRequest, ErrorCode> {
    TokenRequest::parse(&Params::parse(form, REPEATABLE).unwrap()).map_err(|error| error.error)
}

#[test]
fn each_grant_needs_its_parameters() {
    // SB-23
    for (form, error) in [
        ("", ErrorCode::InvalidRequest),
        ("grant_type=authorization_code", ErrorCode::InvalidRequest),
        ("grant_type=refresh_token", ErrorCode::InvalidRequest),
        (
            "grant_type=urn:ietf:params:oauth:grant-type:device_code",
            ErrorCode::InvalidRequest,
        ),
        (
            "grant_type=device_code&device_code=a",
            ErrorCode::UnsupportedGrantType,
        ),
        (
            "grant_type=password&username=a&password=b",
            ErrorCode::UnsupportedGrantType,
        ),
        ("grant_type=implicit", ErrorCode::UnsupportedGrantType),
        (
            "grant_type=authorization_code&code=a&code_verifier=short",
            ErrorCode::InvalidGrant,
        ),
        ("grant_type=client_credentials&scope=%22", ErrorCode::InvalidScope),
        (
            "grant_type=client_credentials&resource=x",
            ErrorCode::InvalidTarget,
        ),
    ] {
        assert_eq!(kind(form).err(), Some(error), "{form}");
    }
    let code =
        kind("grant_type=authorization_code&code=a&resource=https://a.example&resource=https://b.example");
    assert!(matches!(code, Ok(TokenRequest::AuthorizationCode { resources, .. }) if resources.len() == 2));
}

#[test]
fn an_answer_does_not_print_its_secrets() {
    let answer = TokenResponse {
        access_token: "secret-a".to_owned(),
        token_type: "Bearer",
        expires_in: 300,
        scope: Scope::default(),
        refresh_token: Some("secret-r".to_owned()),
        authorization_details: Default::default(),
        id_token: None,
        issued_token_type: None,
    };
    assert!(!format!("{answer:?}").contains("secret"));
}

proptest! {
    #[test]
    fn anything_may_come(grant in "authorization_code|refresh_token|client_credentials|urn:ietf:params:oauth:grant-type:device_code|\\PC{0,10}", rest in "\\PC{0,600}") {
        if let Ok(form) = Params::parse(&format!("grant_type={grant}&{rest}"), REPEATABLE) {
            let _ = TokenRequest::parse(&form);
        }
    }
}

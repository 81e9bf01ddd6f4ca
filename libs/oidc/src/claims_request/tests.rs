//! Tests of requests for single claims.

use proptest::prelude::*;

use super::*;

/// The example of OpenID Connect Core §5.5.
const EXAMPLE: &str = r#"{
    "userinfo": {
        "given_name": {"essential": true},
        "nickname": null,
        "email": {"essential": true},
        "email_verified": {"essential": true},
        "picture": null,
        "http://example.info/claims/groups": null
    },
    "id_token": {
        "auth_time": {"essential": true},
        "acr": {"values": ["urn:mace:incommon:iap:silver"]}
    }
}"#;

#[test]
fn the_example_of_the_standard() {
    // OpenID Connect Core §5.5
    let request = ClaimsRequest::parse(EXAMPLE).unwrap();
    let has = |claims: &Option<BTreeMap<String, Option<ClaimRequest>>>, name| {
        claims.as_ref().is_some_and(|claims| claims.contains_key(name))
    };
    assert!(has(&request.userinfo, "nickname") && !has(&request.userinfo, "auth_time"));
    assert!(has(&request.id_token, "auth_time") && !has(&request.id_token, "email"));
    assert!(request.accepts_acr("1"), "a voluntary acr need not be met");
}

#[test]
fn a_request_is_read_or_refused() {
    let deep = format!(
        r#"{{"userinfo":{{"address":{{"value":{}1{}}}}}}}"#,
        "[".repeat(4),
        "]".repeat(4)
    );
    let many: Vec<String> = (0..65).map(|index| format!(r#""c{index}":null"#)).collect();
    let many = format!(r#"{{"userinfo":{{{}}}}}"#, many.join(","));
    for (section, text, good) in [
        ("§5.5: nothing", "{}", true),
        ("§5.5: null for a place", r#"{"userinfo":null}"#, true),
        (
            "§5.5: members that are not understood",
            r#"{"transient":{"x":1},"userinfo":{}}"#,
            true,
        ),
        (
            "§5.5.1: members that are not understood",
            r#"{"userinfo":{"email":{"purpose":"x"}}}"#,
            true,
        ),
        (
            "§5.5.1: values",
            r#"{"id_token":{"acr":{"values":["1","2"]}}}"#,
            true,
        ),
        (
            "§5.5.1: an object as value",
            r#"{"userinfo":{"address":{"value":{"country":"NL"}}}}"#,
            true,
        ),
        (
            "an array in place of an object",
            r#"{"userinfo":{"email":[true]}}"#,
            false,
        ),
        ("no JSON", "{", false),
        ("an array", "[]", false),
        ("a text", r#""email""#, false),
        (
            "§5.5.1: true in place of null",
            r#"{"userinfo":{"email":true}}"#,
            false,
        ),
        (
            "§5.5.1: essential",
            r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
            false,
        ),
        ("§5.5.1: values", r#"{"id_token":{"acr":{"values":"1"}}}"#, false),
        ("too deep", deep.as_str(), false),
        ("too many", many.as_str(), false),
        ("too long", &" ".repeat(5000), false),
    ] {
        let outcome = ClaimsRequest::parse(text).map_err(|error| error.error);
        assert_eq!(outcome.is_ok(), good, "{section}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error, ErrorCode::InvalidRequest);
        }
    }
}

#[test]
fn a_subject_and_an_essential_class_are_requirements() {
    // OpenID Connect Core §5.5.1, §5.5.1.1
    for (text, ann, one) in [
        (r#"{"id_token":{"sub":{"value":"ann"}}}"#, true, true),
        (r#"{"id_token":{"sub":{"value":"bob"}}}"#, false, true),
        (r#"{"userinfo":{"sub":{"values":["bob","ann"]}}}"#, true, true),
        (
            r#"{"id_token":{"sub":{"value":"ann"}},"userinfo":{"sub":{"value":"bob"}}}"#,
            false,
            true,
        ),
        (r#"{"id_token":{"sub":null,"acr":null}}"#, true, true),
        (r#"{"id_token":{"sub":{"value":7}}}"#, false, true),
        (
            r#"{"id_token":{"acr":{"essential":true,"value":"2"}}}"#,
            true,
            false,
        ),
        (
            r#"{"id_token":{"acr":{"essential":true,"values":["2","1"]}}}"#,
            true,
            true,
        ),
        (r#"{"id_token":{"acr":{"essential":true}}}"#, true, true),
        (r#"{"id_token":{"acr":{"value":"2"}}}"#, true, true),
    ] {
        let request = ClaimsRequest::parse(text).unwrap();
        assert_eq!(
            (request.accepts_subject("ann"), request.accepts_acr("1")),
            (ann, one),
            "{text}"
        );
    }
}

#[test]
fn a_client_gets_no_claim_of_a_scope_that_it_cannot_have() {
    // SB-48
    let request = ClaimsRequest::parse(EXAMPLE).unwrap();
    let mut scopes = ClaimScopes::default();
    scopes.add_claim("work", "http://example.info/claims/groups");
    let granted = |registered: &str| request.granted(&registered.parse().unwrap(), &scopes);
    let kept = granted("openid email");
    assert_eq!(
        kept.of_userinfo().collect::<Vec<_>>(),
        ["email", "email_verified"]
    );
    assert_eq!(
        kept.of_id_token().next(),
        None,
        "auth_time and acr are there anyway"
    );
    assert!(
        granted("openid work")
            .of_userinfo()
            .eq(["http://example.info/claims/groups"])
    );
    assert!(granted("openid").is_empty());
    let stored = serde_json::to_string(&kept).unwrap();
    assert_eq!(stored, r#"{"userinfo":["email","email_verified"]}"#);
    assert_eq!(serde_json::from_str::<GrantedClaims>(&stored).unwrap(), kept);
}

proptest! {
    #[test]
    fn anything_may_be_asked_for(text in "\\PC{0,600}", claim in "[a-z_]{0,20}", value in "\\PC{0,40}") {
        let _ = ClaimsRequest::parse(&text);
        let request = serde_json::json!({ "id_token": { &claim: { "values": [value] } } });
        let request = ClaimsRequest::parse(&request.to_string()).unwrap();
        prop_assert!(request.id_token.is_some_and(|claims| claims.contains_key(&claim)));
    }
}

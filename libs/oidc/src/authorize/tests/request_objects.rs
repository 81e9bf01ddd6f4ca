//! Tests of request objects (RFC 9101).

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::authorize::{RequestObjectError, refuse_request_object};
use crate::client::ClientMetadata;
use crate::error::OAuthError;
use crate::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use crate::testing::{CALLBACK, CHALLENGE, ISSUER, NOW, metadata, server, web};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from_jwks(&JwkSet {
        keys: vec![key.public().clone()],
    })
}

/// The claims of a good request object, changed: null removes a claim.
fn claims(change: &Value) -> Value {
    let mut claims = json!({
        "iss": "web",
        "aud": ISSUER,
        "nbf": NOW - 10,
        "exp": NOW + 60,
        "client_id": "web",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "inner",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "max_age": 600,
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

fn object(typ: &str, change: &Value) -> String {
    KEY.sign(typ, &claims(change)).unwrap()
}

/// Opens an object, with other parameters around it.
fn open(
    object: &str,
    client: fn(&mut ClientMetadata),
) -> Result<UnverifiedAuthorizationRequest, RequestObjectError> {
    let around = format!(
        "client_id=web&state=outer&scope=admin&redirect_uri=https%3A%2F%2Fevil.example&request={object}"
    );
    let request = UnverifiedAuthorizationRequest::parse(&around).unwrap();
    request.open_request_object(object, &keys(&KEY), web(&metadata(client)), server(), NOW)
}

#[test]
fn the_parameters_are_those_of_the_object_alone() {
    // RFC 9101 §4, §6.3
    let resources = json!({ "resource": [ISSUER, "https://users.example"] });
    let request = open(&object("oauth-authz-req+jwt", &resources), |_| {}).unwrap();
    assert!(request.is_signed() && !request.is_pushed());
    assert_eq!(
        (request.state(), request.redirect_uri.as_deref()),
        (Some("inner"), Some(CALLBACK))
    );
    let validated = request.validate().unwrap();
    assert_eq!(validated.scope.to_string(), "openid");
    assert_eq!((validated.max_age, validated.resources.len()), (Some(600), 2));
    assert_eq!(request.params().get("iss"), None);
}

#[test]
fn an_object_is_opened_or_refused() {
    // RFC 9101 §4, §6, §10; FAPI 2.0 Message Signing §5.3.1
    const STRICT: fn(&mut ClientMetadata) = |client| client.require_signed_request_object = true;
    const FREE: fn(&mut ClientMetadata) = |_| {};
    for (section, change, client, good) in [
        ("§4: typ", json!({}), FREE, true),
        (
            "§4: nothing about itself",
            json!({ "iss": null, "aud": null, "nbf": null, "exp": null }),
            FREE,
            true,
        ),
        ("§4: another iss", json!({ "iss": "other" }), FREE, false),
        (
            "§4: another aud",
            json!({ "aud": "https://other.example" }),
            FREE,
            false,
        ),
        (
            "§4: several aud",
            json!({ "aud": ["https://other.example", ISSUER] }),
            FREE,
            true,
        ),
        ("§4: request inside", json!({ "request": "x" }), FREE, false),
        (
            "§4: request_uri inside",
            json!({ "request_uri": "x" }),
            FREE,
            false,
        ),
        ("§5: no client_id", json!({ "client_id": null }), FREE, false),
        (
            "§5: another client_id",
            json!({ "client_id": "other" }),
            FREE,
            false,
        ),
        ("§10.8: sub is the client", json!({ "sub": "web" }), FREE, false),
        (
            "RFC 7519 §4.1.4: expired",
            json!({ "exp": NOW - 60 }),
            FREE,
            false,
        ),
        (
            "RFC 7519 §4.1.4: exp is no number",
            json!({ "exp": "soon" }),
            FREE,
            false,
        ),
        (
            "RFC 7519 §4.1.5: not yet",
            json!({ "nbf": NOW + 60 }),
            FREE,
            false,
        ),
        ("RFC 8707 §2: resource", json!({ "resource": [1] }), FREE, false),
        ("FAPI: good", json!({}), STRICT, true),
        ("FAPI: no aud", json!({ "aud": null }), STRICT, false),
        ("FAPI: no exp", json!({ "exp": null }), STRICT, false),
        ("FAPI: no nbf", json!({ "nbf": null }), STRICT, false),
        ("FAPI: lives long", json!({ "exp": NOW + 3700 }), STRICT, false),
        (
            "FAPI: began long ago",
            json!({ "nbf": NOW - 3700, "exp": NOW + 10 }),
            STRICT,
            false,
        ),
    ] {
        let outcome = open(&object("oauth-authz-req+jwt", &change), client);
        assert_eq!(outcome.is_ok(), good, "{section}: {:?}", outcome.err());
    }
}

#[test]
fn only_signed_requests_of_the_client_itself_are_requests() {
    // RFC 9101 §6.2, §10.8; RFC 8725 §3.1
    for (typ, good) in [
        ("JWT", true),
        ("application/oauth-authz-req+jwt", true),
        ("at+jwt", false),
        ("dpop+jwt", false),
    ] {
        assert_eq!(open(&object(typ, &json!({})), |_| {}).is_ok(), good, "{typ}");
    }
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let foreign = other.sign("JWT", &claims(&json!({}))).unwrap();
    assert_eq!(open(&foreign, |_| {}).err(), Some(RequestObjectError::UnknownKey));
    let good = object("JWT", &json!({}));
    assert!(
        open(&good, |client| client.request_object_signing_alg =
            Some(Algorithm::Es256))
        .is_ok()
    );
    assert!(
        open(&good, |client| client.request_object_signing_alg =
            Some(Algorithm::Rs256))
        .is_err()
    );
    let (head, rest) = good.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", rest.split('.').next().unwrap());
    for bad in [
        unsigned.as_str(),
        "x",
        "",
        "a.b.c",
        "a.b.c.d.e",
        &format!("{head}.e30.AAAA"),
    ] {
        assert!(open(bad, |_| {}).is_err(), "{bad}");
    }
}

#[test]
fn a_client_that_signs_is_held_to_it() {
    // RFC 9101 §10.5
    let metadata = metadata(|client| client.require_signed_request_object = true);
    let request = UnverifiedAuthorizationRequest::parse(GOOD).unwrap();
    let Err(AuthorizationError::Redirect(error)) = check(&request, web(&metadata), server(), NOW) else {
        panic!("it is not signed");
    };
    assert_eq!(error.error().error, ErrorCode::InvalidRequest);
    let request = open(&object("JWT", &json!({})), |client| {
        client.require_signed_request_object = true
    })
    .unwrap();
    assert!(check(&request, web(&metadata), server(), NOW).is_ok());
    let stored = UnverifiedAuthorizationRequest::parse(GOOD).unwrap().stored();
    assert!(
        check(&stored, web(&metadata), server(), NOW).is_ok(),
        "it was checked before it was stored"
    );
    let pushed = UnverifiedAuthorizationRequest::parse(GOOD).unwrap().pushed();
    assert!(
        check(&pushed, web(&metadata), server(), NOW).is_err(),
        "RFC 9126 §3"
    );
    let error: OAuthError = RequestObjectError::UnknownKey.into();
    assert_eq!(error.error, ErrorCode::InvalidRequestObject);
}

#[test]
fn an_error_of_the_object_goes_where_the_parameters_around_it_may_send_it() {
    // RFC 9101 §7; SB-20
    let error = || OAuthError::from(RequestObjectError::UnknownKey);
    for (around, client, redirected) in [
        ("", (|_| {}) as fn(&mut ClientMetadata), true),
        ("&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", |_| {}, true),
        ("&redirect_uri=https%3A%2F%2Fevil.example", |_| {}, false),
        (
            "",
            |client| {
                client
                    .redirect_uris
                    .push("https://app.example/other".parse().unwrap())
            },
            false,
        ),
    ] {
        let request =
            UnverifiedAuthorizationRequest::parse(&format!("client_id=web&request=x{around}")).unwrap();
        let refused = refuse_request_object(&request, web(&metadata(client)), server(), error());
        assert_eq!(
            matches!(refused, AuthorizationError::Redirect(_)),
            redirected,
            "{around}"
        );
    }
}

proptest! {
    #[test]
    fn anything_may_be_in_an_object(name in "[a-z_]{1,12}", value in "\\PC{0,200}", number: f64, token in "\\PC{0,200}") {
        for value in [json!(value), json!(number), json!([value]), json!({ "a": value })] {
            let object = KEY.sign("JWT", &claims(&json!({ &name: value }))).unwrap();
            if let Ok(request) = open(&object, |_| {}) {
                let _ = request.validate();
            }
        }
        let around = UnverifiedAuthorizationRequest::of(crate::params::Params::default().with("request", &token), "web");
        let opened = around.open_request_object(&token, &keys(&KEY), web(&metadata(|_| {})), server(), NOW);
        prop_assert!(opened.is_err());
    }
}

//! Tests of client metadata: names, defaults and unknown members.

mod rules;
mod stored;
mod urls;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::jose::SigningKey;

fn metadata(change: impl FnOnce(&mut ClientMetadata)) -> ClientMetadata {
    let mut metadata = ClientMetadata {
        redirect_uris: vec!["https://app.example/cb".parse().unwrap()],
        ..ClientMetadata::default()
    };
    change(&mut metadata);
    metadata
}

fn key_set(count: usize) -> JwkSet {
    let key = SigningKey::generate(Algorithm::Es256).unwrap().public().clone();
    JwkSet {
        keys: vec![key; count],
    }
}

#[test]
fn names_are_those_of_rfc_7591() {
    let json = serde_json::to_value(metadata(|_| {})).unwrap();
    assert_eq!(json["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(json["scope"], "openid profile email groups offline_access");
    assert_eq!(json["id_token_signed_response_alg"], "RS256");
    for grant in [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
    ] {
        assert_eq!(serde_json::to_value(grant).unwrap(), grant.name());
    }
}

static MEMBERS: LazyLock<Vec<&str>> = LazyLock::new(|| extended_members("client_secret"));

fn extended(value: &Value) -> Result<(Option<String>, ClientMetadata), String> {
    let read = deserialize_extended(value, &MEMBERS).map_err(|error| error.to_string())?;
    Ok((read.more, read.metadata))
}

#[test]
fn what_is_left_out_or_null_has_its_default() {
    let default = ClientMetadata::default();
    let nulls: serde_json::Map<String, Value> = MEMBERS
        .iter()
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    for value in [json!({}), Value::Object(nulls)] {
        assert_eq!(extended(&value).unwrap(), (None, default.clone()), "{value}");
    }
}

#[test]
fn the_members_are_those_of_the_struct_in_their_order() {
    let written =
        serde_json::to_value(metadata(|client| client.client_name = Some("Shop".to_owned()))).unwrap();
    assert_eq!(MEMBERS[..3], ["client_secret", "client_name", "client_uri"]);
    for name in written.as_object().unwrap().keys() {
        assert!(MEMBERS.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn metadata_with_one_more_member_is_the_same_with_the_member_beside_it() {
    let plain = json!({
        "client_name": "Shop",
        "redirect_uris": ["https://shop.example.org/callback"],
        "scope": "openid profile",
        "token_endpoint_auth_method": "client_secret_post",
        "id_token_signed_response_alg": "ES256",
        "require_pkce": false,
    });
    let mut more = plain.clone();
    more["client_secret"] = json!("s3cret");
    let metadata: ClientMetadata = serde_json::from_value(plain).unwrap();
    assert_eq!(
        extended(&more).unwrap(),
        (Some("s3cret".to_owned()), metadata.clone())
    );
    let written = serde_json::to_value(&metadata).unwrap();
    assert_eq!(
        serde_json::from_value::<ClientMetadata>(written).unwrap(),
        metadata
    );
}

#[test]
fn a_consent_that_is_said_is_told_from_its_default() {
    for (said, expected) in [
        (json!({}), (false, false)),
        (json!({"require_consent": null}), (false, false)),
        (json!({"require_consent": false}), (true, false)),
        (json!({"require_consent": true}), (true, true)),
    ] {
        let read = deserialize_extended::<String, _>(&said, &MEMBERS).unwrap();
        assert_eq!(
            (read.says_consent, read.metadata.require_consent),
            expected,
            "{said}"
        );
    }
    let error = extended(&json!({"require_consent": "x"})).unwrap_err();
    assert!(error.contains("expected a boolean"), "{error}");
}

#[test]
fn a_member_that_is_not_known_or_there_twice_is_refused_by_name() {
    for (name, listed) in [
        ("scopes", "`scope`"),
        ("secret", "`client_secret`"),
        ("name", "`client_name`"),
    ] {
        let error = extended(&json!({ name: "x" })).unwrap_err();
        assert!(
            error.starts_with(&format!("unknown field `{name}`")) && error.contains(listed),
            "{error}"
        );
    }
    let twice = r#"{"client_secret": "a", "client_secret": "b"}"#;
    let read = deserialize_extended::<String, _>(&mut serde_json::Deserializer::from_str(twice), &MEMBERS);
    assert!(
        read.unwrap_err()
            .to_string()
            .starts_with("duplicate field `client_secret`")
    );
}

#[test]
fn values_have_the_names_of_the_protocol() {
    assert_eq!(
        "client_credentials".parse::<GrantType>().unwrap().name(),
        "client_credentials"
    );
    assert_eq!(
        "client_secret_post".parse::<AuthMethod>().unwrap(),
        AuthMethod::ClientSecretPost
    );
    // SB-23
    for retired in ["password", "implicit"] {
        let error = retired.parse::<GrantType>().unwrap_err().to_string();
        assert!(error.contains("authorization_code"), "{error}");
    }
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    // OpenID Connect Registration §2, jwks
    for (kty, name) in [("EC", "d"), ("RSA", "p"), ("oct", "k")] {
        let error = extended(&json!({"jwks": {"keys": [{"kty": kty, name: "c2VjcmV0"}]}})).unwrap_err();
        assert!(
            error.contains("public keys") && !error.contains("c2VjcmV0"),
            "{error}"
        );
    }
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let (_, read) = extended(&json!({"jwks": {"keys": [key.public()]}, "jwks_uri": null})).unwrap();
    assert_eq!(read.jwks.unwrap().keys, [key.public().clone()]);
}

#[test]
fn methods_have_the_names_of_the_registry() {
    for method in AuthMethod::ALL {
        assert_eq!(method.name().parse::<AuthMethod>().unwrap(), method);
        assert_eq!(serde_json::to_value(method).unwrap(), method.name());
    }
}

#[test]
fn a_grant_type_is_stored_under_the_name_of_its_standard() {
    // RFC 7591 §2, RFC 8628 §3.4
    for grant in GrantType::ALL {
        assert_eq!(json!(grant), grant.name());
        assert_eq!(grant.name().parse(), Ok(grant));
    }
}

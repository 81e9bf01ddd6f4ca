//! Tests of client metadata: defaults, unknown members, and members that do not fit together.

use serde_json::{Value, json};

use super::*;

fn metadata(change: impl FnOnce(&mut ClientMetadata)) -> ClientMetadata {
    let mut metadata = ClientMetadata {
        redirect_uris: vec!["https://app.example/cb".parse().unwrap()],
        ..ClientMetadata::default()
    };
    change(&mut metadata);
    metadata
}

/// A row: the section of the standard, a change of valid metadata, and the member that is refused.
type Row = (&'static str, fn(&mut ClientMetadata), Option<&'static str>);

const ROWS: &[Row] = &[
    ("RFC 7591 §2", |_| {}, None),
    (
        "RFC 7591 §2: a name people can read",
        |client| client.client_name = Some(" ".to_owned()),
        Some("client_name"),
    ),
    (
        "RFC 7591 §2: a name without control characters",
        |client| client.client_name = Some("a\u{7}".to_owned()),
        Some("client_name"),
    ),
    (
        "RFC 7591 §2: a grant type",
        |client| client.grant_types.clear(),
        Some("grant_types"),
    ),
    (
        "RFC 6749 §3.1.2.2: a redirect URI for the code grant",
        |client| client.redirect_uris.clear(),
        Some("redirect_uris"),
    ),
    (
        "100 redirect URIs at most",
        |client| client.redirect_uris = vec![client.redirect_uris[0].clone(); 101],
        Some("redirect_uris"),
    ),
    (
        "100 redirect URIs after signing out at most",
        |client| client.post_logout_redirect_uris = vec![client.redirect_uris[0].clone(); 101],
        Some("post_logout_redirect_uris"),
    ),
    (
        "RFC 6749 §4.4: the client credentials grant needs no redirect URI",
        |client| {
            client.redirect_uris.clear();
            client.grant_types = [GrantType::ClientCredentials].into();
        },
        None,
    ),
    (
        "RFC 6749 §4.4: confidential clients only",
        |client| {
            client.grant_types = [GrantType::ClientCredentials].into();
            client.token_endpoint_auth_method = AuthMethod::None;
        },
        Some("token_endpoint_auth_method"),
    ),
    (
        "RFC 9700 §2.1.1: a public client needs PKCE",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::None;
            client.require_pkce = false;
        },
        Some("require_pkce"),
    ),
    (
        "RFC 9700 §2.1.1: a confidential client may go without",
        |client| client.require_pkce = false,
        None,
    ),
];

// SB-22
#[test]
fn members_must_fit_together() {
    for (section, change, refused) in ROWS {
        let outcome = metadata(change).check().map_err(|invalid| invalid.field);
        assert_eq!(outcome.err(), *refused, "{section}");
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

const MEMBERS: [&str; 10] = extended_members("client_secret");

fn extended(value: &Value) -> Result<(Option<String>, ClientMetadata), String> {
    deserialize_extended(value, &MEMBERS).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_or_null_has_its_default() {
    let default = ClientMetadata::default();
    let names = default_names();
    let nulls: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), Value::Null)).collect();
    for value in [json!({}), Value::Object(nulls)] {
        let read: ClientMetadata = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(read, default, "{value}");
        assert_eq!(extended(&value).unwrap(), (None, default.clone()), "{value}");
    }
}

/// The members of the default, and the one that is left out when it has no value.
fn default_names() -> Vec<String> {
    let Value::Object(written) = serde_json::to_value(ClientMetadata::default()).unwrap() else {
        panic!("an object");
    };
    written
        .keys()
        .cloned()
        .chain(["client_name".to_owned()])
        .collect()
}

#[test]
fn the_members_are_those_of_the_struct() {
    let mut names = default_names();
    names.push("client_secret".to_owned());
    names.sort();
    let mut listed = MEMBERS.map(str::to_owned).to_vec();
    listed.sort();
    assert_eq!(listed, names);
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

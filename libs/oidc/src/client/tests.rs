//! Tests of client metadata.

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

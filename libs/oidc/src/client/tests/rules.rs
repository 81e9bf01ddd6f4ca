//! Tests of the rules by which members fit together, as tables of cases.

use super::*;

/// A row: the section of the standard, a change of valid metadata, and the member that is refused.
type Row = (&'static str, fn(&mut ClientMetadata), Option<&'static str>);

const ROWS: &[Row] = &[
    ("RFC 7591 §2", |_| {}, None),
    (
        "RFC 7591 §5",
        |client| client.policy_uri = "http://app.example/privacy".parse().ok(),
        Some("policy_uri"),
    ),
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
        "RFC 8628 §3.1: a device is a public client without a redirect URI",
        |client| {
            client.redirect_uris.clear();
            client.grant_types = [GrantType::DeviceCode].into();
            client.token_endpoint_auth_method = AuthMethod::None;
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
    (
        "OpenID Connect Core §9: private_key_jwt needs a key",
        |client| client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt,
        Some("jwks"),
    ),
    (
        "RFC 7591 §2: keys by value",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            client.jwks = Some(key_set(1));
        },
        None,
    ),
    (
        "RFC 7591 §2: keys by reference",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            client.jwks_uri = Some("https://app.example/jwks".parse().unwrap());
        },
        None,
    ),
    (
        "RFC 9101 §10.5: signed requests need a key",
        |client| client.require_signed_request_object = true,
        Some("require_signed_request_object"),
    ),
    (
        "RFC 9101 §10.5: signed requests",
        |client| {
            client.require_signed_request_object = true;
            client.jwks_uri = Some("https://app.example/jwks".parse().unwrap());
        },
        None,
    ),
    (
        "RFC 7591 §2: jwks and jwks_uri exclude each other",
        |client| {
            client.jwks = Some(key_set(1));
            client.jwks_uri = Some("https://app.example/jwks".parse().unwrap());
        },
        Some("jwks"),
    ),
    (
        "RFC 7591 §2: a key that can be used",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            client.jwks = Some(key_set(0));
        },
        Some("jwks"),
    ),
    (
        "RFC 7662 §2.1: a resource server authenticates",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::None;
            client.resource = Resource::parse("https://api.example").ok();
        },
        Some("resource"),
    ),
    (
        "RFC 8705 §2.1.2: tls_client_auth needs a subject",
        |client| client.token_endpoint_auth_method = AuthMethod::TlsClientAuth,
        Some("tls_client_auth_subject_dn"),
    ),
    (
        "RFC 8705 §2.1.2: a subject",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::TlsClientAuth;
            client.tls_client_auth_subject_dn = Some("CN=robot,O=Example".to_owned());
        },
        None,
    ),
    (
        "RFC 4514: a name",
        |client| client.tls_client_auth_subject_dn = Some("robot".to_owned()),
        Some("tls_client_auth_subject_dn"),
    ),
    (
        "RFC 8705 §2.1.2: one subject alone",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::TlsClientAuth;
            client.tls_client_auth_san_dns = Some("robot.example".to_owned());
            client.tls_client_auth_san_ip = Some("192.0.2.7".parse().unwrap());
        },
        Some("tls_client_auth_san_ip"),
    ),
    (
        "RFC 8705 §2.1.2: a subject with characters",
        |client| client.tls_client_auth_san_uri = Some(String::new()),
        Some("tls_client_auth_san_uri"),
    ),
    (
        "RFC 8705 §2.2: self_signed_tls_client_auth needs keys",
        |client| client.token_endpoint_auth_method = AuthMethod::SelfSignedTlsClientAuth,
        Some("jwks"),
    ),
    (
        "RFC 8705 §2.2.2: with certificates",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::SelfSignedTlsClientAuth;
            client.jwks = Some(key_set(1));
        },
        Some("jwks"),
    ),
    (
        "RFC 8705 §2.2.2: x5c",
        |client| {
            let mut set = key_set(1);
            set.keys[0].x5c = Some(vec!["AAAA".to_owned()]);
            client.token_endpoint_auth_method = AuthMethod::SelfSignedTlsClientAuth;
            client.jwks = Some(set);
        },
        None,
    ),
    (
        "RFC 8705 §4: a public client uses DPoP",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::None;
            client.tls_client_certificate_bound_access_tokens = true;
        },
        Some("tls_client_certificate_bound_access_tokens"),
    ),
    (
        "20 keys at most",
        |client| client.jwks = Some(key_set(21)),
        Some("jwks"),
    ),
    (
        "OpenID Connect Registration §2: the algorithm of the content is named",
        |client| client.id_token_encrypted_response_alg = Some(KeyManagement::EcdhEs),
        Some("id_token_encrypted_response_enc"),
    ),
    (
        "OpenID Connect Registration §2: and not alone",
        |client| client.userinfo_encrypted_response_enc = Some(ContentEncryption::A256Gcm),
        Some("userinfo_encrypted_response_alg"),
    ),
    (
        "encryption needs a key of the client",
        |client| {
            client.id_token_encrypted_response_alg = Some(KeyManagement::EcdhEs);
            client.id_token_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
        },
        Some("jwks"),
    ),
    (
        "which fits the algorithm",
        |client| {
            let key = SigningKey::generate(Algorithm::Es256).unwrap().public().clone();
            client.jwks = Some(JwkSet { keys: vec![key] });
            client.id_token_encrypted_response_alg = Some(KeyManagement::EcdhEs);
            client.id_token_encrypted_response_enc = Some(ContentEncryption::A256Gcm);
        },
        Some("jwks"),
    ),
];

/// A client of the FAPI 2.0 Security Profile.
fn fapi2(client: &mut ClientMetadata) {
    client.profile = Some(ClientProfile::Fapi2);
    client.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
    client.jwks = Some(key_set(1));
    client.id_token_signed_response_alg = Algorithm::Es256;
    client.authorization_signed_response_alg = Algorithm::Ps256;
}

/// Rows about clients of the FAPI 2.0 Security Profile.
const FAPI2_ROWS: &[Row] = &[
    ("a client that keeps all rules", |_| {}, None),
    (
        "§5.3.2.1: a key in place of a secret",
        |client| client.token_endpoint_auth_method = AuthMethod::ClientSecretBasic,
        Some("token_endpoint_auth_method"),
    ),
    (
        "§5.3.2.1: a certificate in place of a secret",
        |client| {
            client.token_endpoint_auth_method = AuthMethod::TlsClientAuth;
            client.tls_client_auth_san_dns = Some("robot.example".to_owned());
        },
        None,
    ),
    (
        "§5.3.2.1: confidential clients alone",
        |client| client.token_endpoint_auth_method = AuthMethod::None,
        Some("token_endpoint_auth_method"),
    ),
    (
        "§5.3.2.2: PKCE",
        |client| client.require_pkce = false,
        Some("require_pkce"),
    ),
    (
        "§5.4.1: EdDSA",
        |client| client.id_token_signed_response_alg = Algorithm::EdDsa,
        None,
    ),
    (
        "§5.4.1: algorithms of ID tokens",
        |client| client.id_token_signed_response_alg = Algorithm::Rs256,
        Some("id_token_signed_response_alg"),
    ),
    (
        "§5.4.1: algorithms of JARM",
        |client| client.authorization_signed_response_alg = Algorithm::Es384,
        Some("authorization_signed_response_alg"),
    ),
    (
        "§5.4.1: algorithms of userinfo",
        |client| client.userinfo_signed_response_alg = Some(Algorithm::Rs256),
        Some("userinfo_signed_response_alg"),
    ),
    (
        "§5.4.1: algorithms of introspection",
        |client| client.introspection_signed_response_alg = Some(Algorithm::Rs256),
        Some("introspection_signed_response_alg"),
    ),
    (
        "§5.4.1: algorithms of request objects",
        |client| client.request_object_signing_alg = Some(Algorithm::Rs256),
        Some("request_object_signing_alg"),
    ),
    (
        "§5.4.1: algorithms of assertions",
        |client| client.token_endpoint_auth_signing_alg = Some(Algorithm::Es384),
        Some("token_endpoint_auth_signing_alg"),
    ),
];

#[test]
fn a_fapi2_client_keeps_the_rules_of_the_profile() {
    for (section, change, refused) in FAPI2_ROWS {
        let client = metadata(|client| {
            fapi2(client);
            change(client);
        });
        let outcome = client.check().map_err(|invalid| invalid.field);
        assert_eq!(outcome.err(), *refused, "FAPI 2.0 Security Profile {section}");
    }
    let client = metadata(fapi2);
    assert_eq!(client.assertion_algorithms(), FAPI2_ALGORITHMS);
    assert_eq!(client.request_object_algorithms(), FAPI2_ALGORITHMS);
    assert_eq!(client.introspection_algorithm(), Algorithm::Es256);
    assert_eq!(serde_json::to_value(&client).unwrap()["profile"], "fapi2");
}

// SB-22
#[test]
fn members_must_fit_together() {
    for (section, change, refused) in ROWS {
        let outcome = metadata(change).check().map_err(|invalid| invalid.field);
        assert_eq!(outcome.err(), *refused, "{section}");
    }
}

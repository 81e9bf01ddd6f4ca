//! Rows on consent (OpenID Connect Core §3.1.2.4, §3.1.2.6; RFC 8252 §8.6).

use super::*;

/// An application of another party.
pub(super) const OTHER_PARTY: Client = |client| client.require_consent = true;
/// A program of the house on the device of the user: the same redirect URI as in every row has a private scheme here.
pub(super) const NATIVE: Client = |client| {
    client.token_endpoint_auth_method = AuthMethod::None;
    client.redirect_uris = vec![
        CALLBACK.parse().unwrap(),
        LOOPBACK.parse().unwrap(),
        PRIVATE.parse().unwrap(),
    ];
};
const CONFIDENTIAL_NATIVE: Client = |client| client.redirect_uris = vec![LOOPBACK.parse().unwrap()];
const NATIVE_OTHER_PARTY: Client = |client| {
    NATIVE(client);
    client.require_consent = true;
};
const PAYER: Client = |client| client.authorization_details_types = ["payment".to_owned()].into();
const OTHER_PAYER: Client = |client| {
    PAYER(client);
    client.require_consent = true;
};
const PAYMENT: &str = r#"[{"type":"payment","amount":5}]"#;
const LOOPBACK: &str = "http://127.0.0.1/cb";
const PRIVATE: &str = "com.example.app:/cb";

const OTHER_PARTY_OF_TWO: Client = |client| {
    client.require_consent = true;
    client.audiences = [WIKI, BANK].map(|uri| Resource::parse(uri).unwrap()).into();
};
const WIKI: &str = "https://wiki.example";
const BANK: &str = "https://bank.example";

/// Ann with this access in the store, and this one from the consent page.
const fn ann_allowed(stored: Option<&'static str>, for_request: Option<&'static str>) -> Option<Browser> {
    Some(Browser {
        consent: [stored, for_request],
        ..ANN_NOW
    })
}

/// Ann, who signed in for this request, with this scope in the store.
const fn ann_for_request_allowed(stored: &'static str) -> Option<Browser> {
    Some(Browser {
        for_request: true,
        consent: [Some(stored), None],
        ..ANN_NOW
    })
}

/// A stored consent, the consent of this request, and clients that always need one.
pub(super) const CONSENTS: &[Row] = &[
    (
        "SB-48: allowed at the service of the request",
        &[("resource", Some(WIKI))],
        OTHER_PARTY_OF_TWO,
        ann_allowed(Some("openid at https://wiki.example"), None),
        Code("openid"),
    ),
    (
        "SB-48: allowed at another service",
        &[("resource", Some(BANK))],
        OTHER_PARTY_OF_TWO,
        ann_allowed(Some("openid at https://wiki.example"), None),
        AskConsent,
    ),
    (
        "SB-48: allowed at services that the client does not have any more",
        &[],
        OTHER_PARTY,
        ann_allowed(Some("openid at https://wiki.example"), None),
        AskConsent,
    ),
    (
        "SB-48: allowed at the services of the server",
        &[],
        OTHER_PARTY_OF_TWO,
        ann_allowed(Some("openid"), None),
        AskConsent,
    ),
    (
        "SB-48: the page showed both services",
        &[("resource", Some(WIKI))],
        OTHER_PARTY_OF_TWO,
        ann_allowed(None, Some("openid at https://wiki.example https://bank.example")),
        Code("openid"),
    ),
    (
        "SB-48: the page showed one of two services, which the consent would be for",
        &[("resource", Some(WIKI))],
        OTHER_PARTY_OF_TWO,
        ann_allowed(None, Some("openid at https://wiki.example")),
        AskConsent,
    ),
    (
        "SB-48: the page showed services in place of those of the server",
        &[],
        OTHER_PARTY,
        ann_allowed(None, Some("openid at https://wiki.example")),
        AskConsent,
    ),
    (
        "SB-48: the page showed one of two services, and the one of the request was allowed before",
        &[("resource", Some(WIKI))],
        OTHER_PARTY_OF_TWO,
        ann_allowed(
            Some("openid at https://wiki.example"),
            Some("openid at https://wiki.example"),
        ),
        AskConsent,
    ),
    (
        "SB-48: the page showed less than was allowed before",
        &[("scope", Some("openid profile"))],
        OTHER_PARTY,
        ann_allowed(Some("openid profile"), Some("openid")),
        AskConsent,
    ),
    (
        "§3.1.2.4: an application of the house",
        &[],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§3.1.2.4: another party, the first time",
        &[],
        OTHER_PARTY,
        ANN,
        AskConsent,
    ),
    (
        "§3.1.2.4: another party without a session",
        &[],
        OTHER_PARTY,
        NOBODY,
        SignIn,
    ),
    (
        "§3.1.2.4: another party with a stored consent",
        &[],
        OTHER_PARTY,
        ann_allowed(Some("openid profile"), None),
        Code("openid"),
    ),
    (
        "§3.1.2.4: another party that asks for more",
        &[("scope", Some("openid offline_access"))],
        OTHER_PARTY,
        ann_allowed(Some("openid profile"), None),
        AskConsent,
    ),
    (
        "§5.5: another party that asks for a single claim",
        &[("claims", Some(r#"{"userinfo":{"email":null}}"#))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), None),
        AskConsent,
    ),
    (
        "§5.5: a single claim of a scope that was allowed",
        &[("claims", Some(r#"{"id_token":{"email":null}}"#))],
        OTHER_PARTY,
        ann_allowed(Some("openid email"), None),
        Code("openid"),
    ),
    (
        "§5.5: a single claim that the client cannot have",
        &[("claims", Some(r#"{"userinfo":{"address":null}}"#))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), None),
        Code("openid"),
    ),
    (
        "RFC 9396 §3: details of an application of the house",
        &[("authorization_details", Some(PAYMENT))],
        PAYER,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 9396 §3: details are never stored as allowed",
        &[("authorization_details", Some(PAYMENT))],
        OTHER_PAYER,
        ann_allowed(Some("openid"), None),
        AskConsent,
    ),
    (
        "RFC 9396 §3: details that were allowed on the page",
        &[("authorization_details", Some(PAYMENT))],
        OTHER_PAYER,
        ann_allowed(Some("openid"), Some("openid")),
        Code("openid"),
    ),
    (
        "RFC 9396 §5: details of a client that is not registered for them",
        &[("authorization_details", Some(PAYMENT))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidAuthorizationDetails),
    ),
    (
        "RFC 9396 §5: details that do not fit their type",
        &[("authorization_details", Some(r#"[{"type":"payment"}]"#))],
        PAYER,
        ANN,
        Error(ErrorCode::InvalidAuthorizationDetails),
    ),
    (
        "§3.1.2.4: allowed on the page",
        &[("scope", Some("openid offline_access"))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), Some("openid offline_access")),
        Code("openid offline_access"),
    ),
    (
        "§3.1.2.4: the page showed less than is asked for now",
        &[("scope", Some("openid offline_access"))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), Some("openid")),
        AskConsent,
    ),
    (
        "§3.1.2.6: prompt none without a consent",
        &[("prompt", Some("none"))],
        OTHER_PARTY,
        ANN,
        Error(ErrorCode::ConsentRequired),
    ),
    (
        "§3.1.2.6: prompt none with a stored consent",
        &[("prompt", Some("none"))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), None),
        Code("openid"),
    ),
    (
        "§3.1.2.6: prompt none without a session",
        &[("prompt", Some("none"))],
        OTHER_PARTY,
        NOBODY,
        Error(ErrorCode::LoginRequired),
    ),
    (
        "§3.1.2.1: prompt consent of the house",
        &[("prompt", Some("consent"))],
        WEB,
        ANN,
        AskConsent,
    ),
    (
        "§3.1.2.1: prompt consent with a stored consent",
        &[("prompt", Some("consent"))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), None),
        AskConsent,
    ),
    (
        "§3.1.2.1: prompt consent after the page",
        &[("prompt", Some("consent"))],
        OTHER_PARTY,
        ann_allowed(Some("openid"), Some("openid")),
        Code("openid"),
    ),
    (
        "§3.1.2.1: prompt login consent before the sign-in",
        &[("prompt", Some("login consent"))],
        WEB,
        ANN,
        FreshSignIn,
    ),
    (
        "§3.1.2.1: prompt login consent after the sign-in",
        &[("prompt", Some("login consent"))],
        WEB,
        ann_for_request(1),
        AskConsent,
    ),
    (
        "RFC 8252 §8.6: a loopback address",
        &[("redirect_uri", Some(LOOPBACK))],
        NATIVE,
        ANN,
        AskConsent,
    ),
    (
        "RFC 8252 §8.6: a private scheme",
        &[("redirect_uri", Some(PRIVATE))],
        NATIVE,
        ANN,
        AskConsent,
    ),
    (
        "RFC 8252 §8.6: a claimed https address",
        &[],
        NATIVE,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 8252 §8.6: a client with a secret",
        &[("redirect_uri", Some(LOOPBACK))],
        CONFIDENTIAL_NATIVE,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 8252 §8.6: prompt none",
        &[("redirect_uri", Some(LOOPBACK)), ("prompt", Some("none"))],
        NATIVE,
        ANN,
        Error(ErrorCode::ConsentRequired),
    ),
    (
        "RFC 8252 §8.6: a sign-in for the request is an interaction",
        &[("redirect_uri", Some(LOOPBACK))],
        NATIVE,
        ann_for_request(1),
        Code("openid"),
    ),
    (
        "RFC 8252 §8.6: a stored consent is none",
        &[("redirect_uri", Some(LOOPBACK))],
        NATIVE_OTHER_PARTY,
        ann_allowed(Some("openid"), None),
        AskConsent,
    ),
    (
        "RFC 8252 §8.6: a stored consent and a sign-in for the request",
        &[("redirect_uri", Some(LOOPBACK))],
        NATIVE_OTHER_PARTY,
        ann_for_request_allowed("openid"),
        Code("openid"),
    ),
    (
        "RFC 8252 §8.6: a sign-in for the request is no consent",
        &[("redirect_uri", Some(LOOPBACK))],
        NATIVE_OTHER_PARTY,
        ann_for_request(1),
        AskConsent,
    ),
];

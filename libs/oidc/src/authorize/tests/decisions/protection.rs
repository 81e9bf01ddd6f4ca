//! Rows on PKCE (RFC 7636), resources (RFC 8707) and scopes (RFC 6749 §3.3).

use super::*;

/// PKCE (RFC 7636) and resources (RFC 8707).
pub(super) const PROTECTION: &[Row] = &[
    (
        "RFC 7636 §4.4.1: a challenge is required",
        &[("code_challenge", None), ("code_challenge_method", None)],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 9700 §2.1.1: a confidential client may be registered without PKCE",
        &[("code_challenge", None), ("code_challenge_method", None)],
        |client| client.require_pkce = false,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 9700 §2.1.1: a public client may not",
        &[("code_challenge", None), ("code_challenge_method", None)],
        |client| {
            client.require_pkce = false;
            client.token_endpoint_auth_method = AuthMethod::None;
        },
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 9700 §2.1.1: plain is refused",
        &[("code_challenge_method", Some("plain"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 7636 §4.3: without a method it is plain",
        &[("code_challenge_method", None)],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 7636 §4.2: the challenge is a SHA-256",
        &[("code_challenge", Some("short"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 7636 §4.3: a method without a challenge",
        &[("code_challenge", None)],
        |client| client.require_pkce = false,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 8707 §2: a resource of this server",
        &[("resource", Some("https://users.example"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 8707 §2: a resource of nobody",
        &[("resource", Some("https://evil.example"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidTarget),
    ),
    (
        "RFC 8707 §2: a resource that the client is not registered for",
        &[("resource", Some("https://users.example"))],
        |client| client.audiences = vec![Resource::parse("https://api.example").unwrap()],
        ANN,
        Error(ErrorCode::InvalidTarget),
    ),
    (
        "RFC 8707 §2: no fragment",
        &[("resource", Some("https://users.example/#a"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidTarget),
    ),
];

/// Scope (RFC 6749 §3.3).
pub(super) const SCOPES: &[Row] = &[
    (
        "RFC 6749 §3.3: without scope the default",
        &[("scope", None)],
        WEB,
        ANN,
        Code(DEFAULT_SCOPE),
    ),
    (
        "OpenID Connect Core §3.1.2.1: what is unknown is ignored",
        &[("scope", Some("openid dance"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 6749 §4.1.2.1: nothing is left",
        &[("scope", Some("dance"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidScope),
    ),
    (
        "OpenID Connect Core §11: offline_access",
        &[("scope", Some("openid offline_access"))],
        WEB,
        ANN,
        Code("openid offline_access"),
    ),
    (
        "OpenID Connect Core §11: offline_access needs refresh tokens",
        &[("scope", Some("openid offline_access"))],
        |client| client.grant_types = [GrantType::AuthorizationCode].into(),
        ANN,
        Code("openid"),
    ),
    (
        "SB-48: a user does not grant privileges",
        &[("scope", Some("openid admin"))],
        |client| client.scope = "openid admin".parse().unwrap(),
        ANN,
        Code("openid"),
    ),
    (
        "SB-48: an administrator does",
        &[("scope", Some("openid admin"))],
        |client| client.scope = "openid admin".parse().unwrap(),
        ROOT,
        Code("openid admin"),
    ),
    (
        "SB-48: but not unless they are requested",
        &[("scope", None)],
        |client| client.scope = "openid admin".parse().unwrap(),
        ROOT,
        Code("openid"),
    ),
    (
        "SB-48: nor for a client that is not registered for them",
        &[("scope", Some("openid admin"))],
        WEB,
        ROOT,
        Code("openid"),
    ),
    (
        "RFC 6749 §3.3: a client without any scope",
        &[("scope", None)],
        |client| client.scope = Scope::default(),
        ANN,
        Code(""),
    ),
    (
        "SB-48: who is not assigned to the client gets no code, an administrator neither",
        &[],
        WEB,
        STRANGER,
        NotAssigned,
    ),
    (
        "§3.1.2.6: and is not shown a page with prompt none",
        &[("prompt", Some("none"))],
        WEB,
        STRANGER,
        Error(ErrorCode::AccessDenied),
    ),
    (
        "§3.1.2.3: but signs in anew first where that is required",
        &[("prompt", Some("login"))],
        WEB,
        STRANGER,
        FreshSignIn,
    ),
];

//! Rows on the redirect URI and the parameters of a request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use super::*;

/// Rows on the recipient of the response, and on its redirect URI.
pub(super) const TARGETS: &[Row] = &[
    ("RFC 6749 §4.1.1: a good request", &[], WEB, ANN, Code("openid")),
    (
        "RFC 6749 §4.1.2.1: a redirect URI that is not registered",
        &[("redirect_uri", Some("https://evil.example/"))],
        WEB,
        ANN,
        RedirectUri,
    ),
    (
        "RFC 9700 §2.1: exact matching",
        &[("redirect_uri", Some("https://app.example/cb/"))],
        WEB,
        ANN,
        RedirectUri,
    ),
    (
        "RFC 9700 §4.1.3: no other query",
        &[("redirect_uri", Some("https://app.example/cb?a=b"))],
        WEB,
        ANN,
        RedirectUri,
    ),
    (
        "RFC 6749 §3.1.2.3: one registered URI may be left out",
        &[("redirect_uri", None)],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 6749 §3.1.2.3: one of two may not be left out",
        &[("redirect_uri", None)],
        |client| {
            client
                .redirect_uris
                .push("https://app.example/2".parse().unwrap())
        },
        ANN,
        RedirectUri,
    ),
    (
        "RFC 6749 §3.1.2.3: an empty value counts as left out",
        &[("redirect_uri", Some(""))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 8252 §7.3: the port of a loopback address is free",
        &[("redirect_uri", Some("http://127.0.0.1:51004/cb"))],
        |client| client.redirect_uris = vec!["http://127.0.0.1/cb".parse().unwrap()],
        ANN,
        Code("openid"),
    ),
    (
        "RFC 8252 §7.3: its path is not",
        &[("redirect_uri", Some("http://127.0.0.1:51004/other"))],
        |client| client.redirect_uris = vec!["http://127.0.0.1/cb".parse().unwrap()],
        ANN,
        RedirectUri,
    ),
    (
        "RFC 8252 §8.3: localhost is a name",
        &[("redirect_uri", Some("http://localhost:51004/cb"))],
        |client| client.redirect_uris = vec!["http://localhost/cb".parse().unwrap()],
        ANN,
        RedirectUri,
    ),
    (
        "RFC 6749 §4.1.2.1: the page comes before every other error",
        &[
            ("redirect_uri", Some("https://evil.example/")),
            ("response_type", None),
            ("scope", Some("\"")),
        ],
        WEB,
        ANN,
        RedirectUri,
    ),
];

/// Rows on wrong parameters of which the client is told.
pub(super) const PARAMETERS: &[Row] = &[
    (
        "RFC 6749 §4.1.2.1: the client may not use the grant",
        &[],
        |client| client.grant_types = [GrantType::ClientCredentials].into(),
        ANN,
        Error(ErrorCode::UnauthorizedClient),
    ),
    (
        "RFC 6749 §3.1.1: response_type is required",
        &[("response_type", None)],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 9700 §2.1.2: no implicit grant",
        &[("response_type", Some("token"))],
        WEB,
        ANN,
        Error(ErrorCode::UnsupportedResponseType),
    ),
    (
        "OpenID Connect Core §3.3: no hybrid flow",
        &[("response_type", Some("code id_token"))],
        WEB,
        ANN,
        Error(ErrorCode::UnsupportedResponseType),
    ),
    (
        "OAuth 2.0 Multiple Response Types §2.1: response_mode query",
        &[("response_mode", Some("query"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "OAuth 2.0 Multiple Response Types §2.1: no other response_mode",
        &[("response_mode", Some("fragment"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "OpenID Connect Core §6.1: no request object",
        &[("request", Some("e30."))],
        WEB,
        ANN,
        Error(ErrorCode::RequestNotSupported),
    ),
    (
        "OpenID Connect Core §6.2: no request_uri",
        &[("request_uri", Some("https://app.example/r"))],
        WEB,
        ANN,
        Error(ErrorCode::RequestUriNotSupported),
    ),
    (
        "OpenID Connect Core §7.2.1: no registration",
        &[("registration", Some("{}"))],
        WEB,
        ANN,
        Error(ErrorCode::RegistrationNotSupported),
    ),
    (
        "RFC 6749 §3.1: what is unknown is ignored",
        &[("unknown", Some("{}"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "RFC 6749 §3.3: scope",
        &[("scope", Some("openid \""))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidScope),
    ),
    (
        "OpenID Connect Core §3.1.2.1: prompt none stands alone",
        &[("prompt", Some("none login"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "OpenID Connect Core §3.1.2.1: an unknown prompt",
        &[("prompt", Some("dance"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "OpenID Connect Core §3.1.2.1: max_age is a number",
        &[("max_age", Some("-1"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "RFC 6749 §4.1.2.1: an error comes before the sign-in",
        &[("max_age", Some("x"))],
        WEB,
        NOBODY,
        Error(ErrorCode::InvalidRequest),
    ),
];

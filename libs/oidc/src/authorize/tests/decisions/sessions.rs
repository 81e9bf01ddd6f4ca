//! Rows on sessions, `prompt`, `max_age` and `id_token_hint` (OpenID Connect Core §3.1.2.1, §3.1.2.3, §3.1.2.6).

use super::*;

/// Sessions: `prompt` and `max_age` (OpenID Connect Core §3.1.2.1, §3.1.2.3, §3.1.2.6).
pub(super) const SESSIONS: &[Row] = &[
    ("§3.1.2.3: no session", &[], WEB, NOBODY, SignIn),
    (
        "§3.1.2.6: prompt none without a session",
        &[("prompt", Some("none"))],
        WEB,
        NOBODY,
        Error(ErrorCode::LoginRequired),
    ),
    (
        "§3.1.2.1: prompt none with a session",
        &[("prompt", Some("none"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§3.1.2.1: prompt login",
        &[("prompt", Some("login"))],
        WEB,
        ann(0),
        FreshSignIn,
    ),
    (
        "§3.1.2.1: prompt login without a session",
        &[("prompt", Some("login"))],
        WEB,
        NOBODY,
        FreshSignIn,
    ),
    (
        "§3.1.2.1: prompt login after the sign-in for it",
        &[("prompt", Some("login"))],
        WEB,
        ann_for_request(9),
        Code("openid"),
    ),
    (
        "§3.1.2.1: prompt select_account",
        &[("prompt", Some("select_account"))],
        WEB,
        ann(0),
        FreshSignIn,
    ),
    (
        "Initiating User Registration §4.1: prompt create",
        &[("prompt", Some("create"))],
        WEB,
        ann(0),
        FreshSignIn,
    ),
    (
        "Initiating User Registration §4.1: prompt create after the registration for it",
        &[("prompt", Some("create"))],
        WEB,
        ann_for_request(9),
        Code("openid"),
    ),
    (
        "§3.1.2.1: prompt none stands alone",
        &[("prompt", Some("none create"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "§3.1.2.1: acr_values are no requirement",
        &[("acr_values", Some("urn:mace:incommon:iap:silver 9"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§5.5.1.1: an essential acr that the session has",
        &[(
            "claims",
            Some(r#"{"id_token":{"acr":{"essential":true,"values":["2","1"]}}}"#),
        )],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§5.5.1.1: an essential acr that no session has",
        &[(
            "claims",
            Some(r#"{"id_token":{"acr":{"essential":true,"value":"2"}}}"#),
        )],
        WEB,
        ANN,
        Error(ErrorCode::UnmetAuthenticationRequirements),
    ),
    (
        "§5.5.1: sub of the session",
        &[("claims", Some(r#"{"id_token":{"sub":{"value":"ann"}}}"#))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§5.5.1: sub of somebody else",
        &[("claims", Some(r#"{"id_token":{"sub":{"value":"bob"}}}"#))],
        WEB,
        ANN,
        SignIn,
    ),
    (
        "§5.5.1: sub of somebody else with prompt none",
        &[
            ("claims", Some(r#"{"id_token":{"sub":{"value":"bob"}}}"#)),
            ("prompt", Some("none")),
        ],
        WEB,
        ANN,
        Error(ErrorCode::LoginRequired),
    ),
    (
        "§5.5: claims that is no JSON",
        &[("claims", Some("email"))],
        WEB,
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "§3.1.2.1: ui_locales are no requirement",
        &[("ui_locales", Some("fr-CA fr de"))],
        WEB,
        ANN,
        Code("openid"),
    ),
    (
        "§3.1.2.1: max_age with a recent session",
        &[("max_age", Some("600"))],
        WEB,
        ann(600),
        Code("openid"),
    ),
    (
        "§3.1.2.1: max_age with an old session",
        &[("max_age", Some("600"))],
        WEB,
        ann(601),
        SignIn,
    ),
    (
        "§3.1.2.6: max_age with an old session and prompt none",
        &[("max_age", Some("600")), ("prompt", Some("none"))],
        WEB,
        ann(601),
        Error(ErrorCode::LoginRequired),
    ),
    (
        "§3.1.2.1: max_age 0 is prompt login",
        &[("max_age", Some("0"))],
        WEB,
        ann(0),
        FreshSignIn,
    ),
    (
        "§3.1.2.1: max_age 0 after the sign-in for it",
        &[("max_age", Some("0"))],
        WEB,
        ann_for_request(60),
        Code("openid"),
    ),
    (
        "§3.1.2.1: max_age 0 long after the sign-in for it",
        &[("max_age", Some("0"))],
        WEB,
        ann_for_request(61),
        FreshSignIn,
    ),
    (
        "§3.1.2.1: max_age 10 after the sign-in for it",
        &[("max_age", Some("10"))],
        WEB,
        ann_for_request(60),
        Code("openid"),
    ),
    (
        "§2 auth_time: a clock that is a little ahead",
        &[("max_age", Some("1"))],
        WEB,
        ann(-60),
        Code("openid"),
    ),
    (
        "§2 auth_time: a clock that was set back",
        &[("max_age", Some("100000"))],
        WEB,
        ann(-61),
        SignIn,
    ),
    (
        "§2 auth_time: without max_age its age does not matter",
        &[],
        WEB,
        ann(-61),
        Code("openid"),
    ),
    (
        "RFC 6749 §4.1.2.1: a user who is not active",
        &[],
        WEB,
        Some(Browser {
            user: None,
            ..ANN_NOW
        }),
        Error(ErrorCode::AccessDenied),
    ),
];

/// `id_token_hint` (OpenID Connect Core §3.1.2.1): the section, the hint, the other changes, the browser, the decision.
pub(super) type HintRow = (&'static str, fn() -> String, Changes, Option<Browser>, Expected);

pub(super) const HINTS: &[HintRow] = &[
    (
        "§3.1.2.1: the user of the hint",
        || id_token(|_| {}),
        &[],
        ANN,
        Code("openid"),
    ),
    (
        "§3.1.2.1: the same with prompt none",
        || id_token(|_| {}),
        &[("prompt", Some("none"))],
        ANN,
        Code("openid"),
    ),
    ("§3.1.2.1: another user", || id_token(|_| {}), &[], BOB, SignIn),
    (
        "§3.1.2.6: another user with prompt none",
        || id_token(|_| {}),
        &[("prompt", Some("none"))],
        BOB,
        Error(ErrorCode::LoginRequired),
    ),
    (
        "§3.1.2.1: another user who signed in for the request",
        || id_token(|_| {}),
        &[],
        Some(Browser {
            for_request: true,
            subject: "bob",
            ..ANN_NOW
        }),
        Error(ErrorCode::LoginRequired),
    ),
    ("§3.1.2.1: no user", || id_token(|_| {}), &[], NOBODY, SignIn),
    (
        "§3.1.2.1: a hint for another client",
        || id_token(|claims: &mut IdTokenClaims| claims.aud = "other".to_owned()),
        &[],
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "§3.1.2.1: a hint of another issuer",
        || id_token(|claims: &mut IdTokenClaims| claims.iss = "https://evil.example".to_owned()),
        &[],
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "§3.1.2.1: a hint whose signature cannot be verified",
        || id_token_of_a_dropped_key(|_| {}),
        &[],
        ANN,
        Error(ErrorCode::InvalidRequest),
    ),
    (
        "§3.1.2.1: no token",
        || "x".to_owned(),
        &[],
        NOBODY,
        Error(ErrorCode::InvalidRequest),
    ),
];

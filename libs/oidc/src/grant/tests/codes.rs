//! Rows on authorization codes (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2).

use std::time::Duration;

use super::*;
use crate::pkce::CodeVerifier;
use crate::testing::{CALLBACK, CHALLENGE, VERIFIER};

const OTHER_VERIFIER: &str = "another-verifier-of-43-unreserved-characters";

/// A code as a row changes it: its client, the redirect URI and whether it was sent, the challenge, the key, the seconds that are left,
/// whether it was used.
#[derive(Clone, Copy)]
struct Code {
    client_id: &'static str,
    redirect_uri_sent: bool,
    challenge: Option<&'static str>,
    dpop_jkt: Option<&'static str>,
    seconds_left: u64,
    used: bool,
}

/// A token request of a row.
#[derive(Clone, Copy)]
struct Request {
    redirect_uri: Option<&'static str>,
    verifier: Option<&'static str>,
    jkt: Option<&'static str>,
    resources: &'static [&'static str],
}

const CODE: Code = Code {
    client_id: "web",
    redirect_uri_sent: true,
    challenge: Some(CHALLENGE),
    dpop_jkt: None,
    seconds_left: 1,
    used: false,
};
const REQUEST: Request = Request {
    redirect_uri: Some(CALLBACK),
    verifier: Some(VERIFIER),
    jkt: None,
    resources: &[],
};

/// The decision on a code, in short.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Decided {
    Tokens(&'static [&'static str]),
    Reused,
    Error(ErrorCode),
}

const BOTH: Decided = Decided::Tokens(&[ISSUER, USERS]);
const INVALID: Decided = Decided::Error(ErrorCode::InvalidGrant);

type CodeRow = (&'static str, Code, Request, Decided);

const BOUND: Code = Code {
    dpop_jkt: Some("key"),
    ..CODE
};

const CODES: &[CodeRow] = &[
    (
        "RFC 9449 §10: the key that the code is bound to",
        BOUND,
        Request {
            jkt: Some("key"),
            ..REQUEST
        },
        BOTH,
    ),
    ("RFC 9449 §10: no proof for a bound code", BOUND, REQUEST, INVALID),
    (
        "RFC 9449 §10: another key",
        BOUND,
        Request {
            jkt: Some("other"),
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 9449 §5: a proof for a code that is not bound",
        CODE,
        Request {
            jkt: Some("key"),
            ..REQUEST
        },
        BOTH,
    ),
    ("RFC 6749 §4.1.3: a good request", CODE, REQUEST, BOTH),
    (
        "RFC 6749 §4.1.3: the code of another client",
        Code {
            client_id: "other",
            ..CODE
        },
        REQUEST,
        INVALID,
    ),
    (
        "RFC 6749 §4.1.2: another client cannot revoke by reuse",
        Code {
            client_id: "other",
            used: true,
            ..CODE
        },
        REQUEST,
        INVALID,
    ),
    (
        "RFC 6749 §4.1.2: reuse",
        Code { used: true, ..CODE },
        REQUEST,
        Decided::Reused,
    ),
    (
        "RFC 6749 §4.1.2: reuse of an expired code",
        Code {
            used: true,
            seconds_left: 0,
            ..CODE
        },
        REQUEST,
        Decided::Reused,
    ),
    (
        "RFC 6749 §4.1.2: expiry",
        Code {
            seconds_left: 0,
            ..CODE
        },
        REQUEST,
        INVALID,
    ),
    (
        "RFC 6749 §4.1.3: another redirect URI",
        CODE,
        Request {
            redirect_uri: Some("https://app.example/cb/"),
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 6749 §4.1.3: the redirect URI is missing",
        CODE,
        Request {
            redirect_uri: None,
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 6749 §4.1.3: it was not sent before either",
        Code {
            redirect_uri_sent: false,
            ..CODE
        },
        Request {
            redirect_uri: None,
            ..REQUEST
        },
        BOTH,
    ),
    (
        "RFC 6749 §4.1.3: it was not sent before and fits",
        Code {
            redirect_uri_sent: false,
            ..CODE
        },
        REQUEST,
        BOTH,
    ),
    (
        "RFC 7636 §4.6: another verifier",
        CODE,
        Request {
            verifier: Some(OTHER_VERIFIER),
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 7636 §4.6: no verifier",
        CODE,
        Request {
            verifier: None,
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 9700 §4.8.2: a verifier for a code without a challenge",
        Code {
            challenge: None,
            ..CODE
        },
        REQUEST,
        INVALID,
    ),
    (
        "RFC 7636 §4.6: neither",
        Code {
            challenge: None,
            ..CODE
        },
        Request {
            verifier: None,
            ..REQUEST
        },
        BOTH,
    ),
    (
        "RFC 7636 §4.6: a stored challenge that cannot be read is no lack of one",
        Code {
            challenge: Some("x"),
            ..CODE
        },
        Request {
            verifier: None,
            ..REQUEST
        },
        INVALID,
    ),
    (
        "RFC 8707 §2.2: fewer audiences",
        CODE,
        Request {
            resources: &[USERS],
            ..REQUEST
        },
        Decided::Tokens(&[USERS]),
    ),
    (
        "RFC 8707 §2.2: another audience",
        CODE,
        Request {
            resources: &[USERS, "https://evil.example"],
            ..REQUEST
        },
        Decided::Error(ErrorCode::InvalidTarget),
    ),
];

#[test]
fn decisions_on_codes() {
    // SB-21, SB-22
    let audiences = resources(&[ISSUER, USERS]);
    let metadata = metadata(|_| {});
    for (section, code, request, expected) in CODES {
        let stored = StoredCode {
            client_id: code.client_id,
            redirect_uri: CALLBACK,
            redirect_uri_sent: code.redirect_uri_sent,
            code_challenge: code.challenge,
            dpop_jkt: code.dpop_jkt,
            scope: "openid",
            audiences: &audiences,
            default_audiences: &audiences,
            expires_in: Duration::from_secs(code.seconds_left),
            used: code.used,
        };
        let verifier = request.verifier.map(|text| CodeVerifier::parse(text).unwrap());
        let redemption = CodeRedemption {
            details: None,
            code: "",
            redirect_uri: request.redirect_uri,
            verifier: verifier.as_ref(),
            confirmation: &Confirmation {
                jkt: request.jkt.map(str::to_owned),
                x5t: None,
            },
            resources: &resources(request.resources),
        };
        match (redeem_code(&stored, web(&metadata), &redemption), *expected) {
            (CodeDecision::Issue { scope, audiences }, Decided::Tokens(urls)) => {
                assert_eq!(
                    (scope.to_string().as_str(), audiences),
                    ("openid", resources(urls)),
                    "{section}"
                );
            }
            (CodeDecision::RevokeReused, Decided::Reused) => {}
            (CodeDecision::Refuse(error), Decided::Error(code)) => assert_eq!(error.error, code, "{section}"),
            (decided, expected) => panic!("{section}: {decided:?} instead of {expected:?}"),
        }
    }
}

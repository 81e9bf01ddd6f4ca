//! Rows on device codes (RFC 8628 §3.4, §3.5, RFC 8707 §2.2).

use std::time::Duration;

use super::*;

/// A device code as a row changes it: its client, the decision, the seconds that are left, the interval, the milliseconds since the last
/// request, whether it was used.
#[derive(Clone, Copy)]
struct Code {
    client_id: &'static str,
    answer: DeviceAnswer,
    seconds_left: u64,
    interval: u32,
    polled_ago: Option<u64>,
    used: bool,
}

const PENDING: Code = Code {
    client_id: "tv",
    answer: DeviceAnswer::Pending,
    seconds_left: 1,
    interval: 5,
    polled_ago: None,
    used: false,
};
const ALLOWED: Code = Code {
    answer: DeviceAnswer::Allowed,
    ..PENDING
};
const DENIED: Code = Code {
    answer: DeviceAnswer::Denied,
    ..PENDING
};

/// The decision on a code, in short.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Decided {
    Tokens(&'static [&'static str]),
    Reused,
    Slower(u32),
    Error(ErrorCode),
}

const BOTH: Decided = Decided::Tokens(&[ISSUER, USERS]);
const WAITS: Decided = Decided::Error(ErrorCode::AuthorizationPending);
const INVALID: Decided = Decided::Error(ErrorCode::InvalidGrant);
const EXPIRED: Decided = Decided::Error(ErrorCode::ExpiredToken);

type Row = (&'static str, Code, &'static [&'static str], Decided);

const ROWS: &[Row] = &[
    ("RFC 8628 §3.5: allowed", ALLOWED, &[], BOTH),
    (
        "RFC 8707 §2.2: for one service",
        ALLOWED,
        &[USERS],
        Decided::Tokens(&[USERS]),
    ),
    (
        "RFC 8707 §2: for another service",
        ALLOWED,
        &["https://other.example"],
        Decided::Error(ErrorCode::InvalidTarget),
    ),
    (
        "RFC 8628 §3.5: allowed while it asks too often",
        Code {
            polled_ago: Some(0),
            ..ALLOWED
        },
        &[],
        BOTH,
    ),
    (
        "RFC 8628 §3.5: denied",
        DENIED,
        &[],
        Decided::Error(ErrorCode::AccessDenied),
    ),
    (
        "RFC 8628 §3.5: denied while it asks too often",
        Code {
            polled_ago: Some(0),
            ..DENIED
        },
        &[],
        Decided::Error(ErrorCode::AccessDenied),
    ),
    ("RFC 8628 §3.5: the first request", PENDING, &[], WAITS),
    (
        "RFC 8628 §3.5: after the interval",
        Code {
            polled_ago: Some(5000),
            ..PENDING
        },
        &[],
        WAITS,
    ),
    (
        "a network delivers a little faster",
        Code {
            polled_ago: Some(4000),
            ..PENDING
        },
        &[],
        WAITS,
    ),
    (
        "RFC 8628 §3.5: too early",
        Code {
            polled_ago: Some(3999),
            ..PENDING
        },
        &[],
        Decided::Slower(10),
    ),
    (
        "RFC 8628 §3.5: too early once more",
        Code {
            polled_ago: Some(5000),
            interval: 10,
            ..PENDING
        },
        &[],
        Decided::Slower(15),
    ),
    (
        "the interval does not grow for ever",
        Code {
            polled_ago: Some(0),
            interval: 120,
            ..PENDING
        },
        &[],
        Decided::Slower(120),
    ),
    (
        "RFC 8628 §3.5: expired",
        Code {
            seconds_left: 0,
            ..PENDING
        },
        &[],
        EXPIRED,
    ),
    (
        "RFC 8628 §3.5: allowed and expired",
        Code {
            seconds_left: 0,
            ..ALLOWED
        },
        &[],
        EXPIRED,
    ),
    (
        "RFC 6749 §4.1.2: used before",
        Code {
            used: true,
            ..ALLOWED
        },
        &[],
        Decided::Reused,
    ),
    (
        "used before, and expired since",
        Code {
            used: true,
            seconds_left: 0,
            ..ALLOWED
        },
        &[],
        Decided::Reused,
    ),
    (
        "RFC 6749 §5.2: the code of another client",
        Code {
            client_id: "other",
            ..ALLOWED
        },
        &[],
        INVALID,
    ),
    (
        "the used code of another client",
        Code {
            client_id: "other",
            used: true,
            ..ALLOWED
        },
        &[],
        INVALID,
    ),
];

#[test]
fn a_device_code_gives_tokens_when_the_person_has_allowed_it() {
    let metadata = metadata(|_| {});
    for (why, code, requested, expected) in ROWS {
        let audiences = resources(&[ISSUER, USERS]);
        let tv = RegisteredClient {
            client_id: "tv",
            metadata: &metadata,
        };
        let stored = StoredDeviceCode {
            client_id: code.client_id,
            answer: code.answer,
            scope: "openid",
            audiences: &audiences,
            default_audiences: &audiences,
            expires_in: Duration::from_secs(code.seconds_left),
            interval: code.interval,
            polled_ago: code.polled_ago.map(Duration::from_millis),
            used: code.used,
        };
        let decided = match redeem_device_code(&stored, tv, &resources(requested)) {
            DeviceDecision::Issue { scope, audiences } => {
                assert_eq!(scope.to_string(), "openid", "{why}");
                let Decided::Tokens(wanted) = expected else {
                    panic!("{why}: tokens for {audiences:?}");
                };
                assert_eq!(audiences, resources(wanted), "{why}");
                Decided::Tokens(wanted)
            }
            DeviceDecision::RevokeReused => Decided::Reused,
            DeviceDecision::SlowDown(seconds) => {
                assert_eq!(
                    DeviceDecision::SlowDown(seconds).error().error,
                    ErrorCode::SlowDown
                );
                Decided::Slower(seconds)
            }
            other => Decided::Error(other.error().error),
        };
        assert_eq!(decided, *expected, "{why}");
    }
}

//! Rows on refresh tokens (RFC 6749 §6, RFC 9700 §4.14.2).

use std::time::Duration;

use super::*;
use crate::client::{ClientMetadata, ClientProfile};
use crate::scope::Scope;
use crate::testing::PRIVILEGED;

/// The section, the grant's client and scope, whether the user is active and administers, the requested scope and resources,
/// and the scope or the error.
type RefreshRow = (
    &'static str,
    (&'static str, &'static str),
    Option<bool>,
    Option<&'static str>,
    &'static [&'static str],
    Result<&'static str, ErrorCode>,
);

const REFRESHES: &[RefreshRow] = &[
    (
        "RFC 6749 §6: all that was granted",
        ("web", "openid email"),
        Some(false),
        None,
        &[],
        Ok("openid email"),
    ),
    (
        "RFC 6749 §6: less",
        ("web", "openid email"),
        Some(false),
        Some("email"),
        &[],
        Ok("email"),
    ),
    (
        "RFC 6749 §6: more",
        ("web", "openid"),
        Some(false),
        Some("openid email"),
        &[],
        Err(ErrorCode::InvalidScope),
    ),
    (
        "RFC 6749 §6: another client's",
        ("other", "openid"),
        Some(false),
        None,
        &[],
        Err(ErrorCode::InvalidGrant),
    ),
    (
        "RFC 6749 §10.4: the user is not active",
        ("web", "openid"),
        None,
        None,
        &[],
        Err(ErrorCode::InvalidGrant),
    ),
    (
        "RFC 6749 §6: an empty scope stays empty",
        ("web", ""),
        Some(false),
        None,
        &[],
        Ok(""),
    ),
    (
        "RFC 6749 §3.3: a scope that the client lost",
        ("web", "openid dance"),
        Some(false),
        None,
        &[],
        Ok("openid"),
    ),
    (
        "SB-48: a privilege that the user lost",
        ("web", "openid admin"),
        Some(false),
        None,
        &[],
        Ok("openid"),
    ),
    (
        "SB-48: a privilege that the user has",
        ("web", "openid admin"),
        Some(true),
        None,
        &[],
        Ok("openid admin"),
    ),
    (
        "SB-48: a privilege that was lost is not requested back",
        ("web", "openid admin"),
        Some(false),
        Some("admin"),
        &[],
        Err(ErrorCode::InvalidScope),
    ),
    (
        "RFC 8707 §2.2: fewer audiences",
        ("web", "openid"),
        Some(false),
        None,
        &[USERS],
        Ok("openid"),
    ),
    (
        "RFC 8707 §2.2: another audience",
        ("web", "openid"),
        Some(false),
        None,
        &["https://evil.example"],
        Err(ErrorCode::InvalidTarget),
    ),
];

#[test]
fn a_refreshed_token_has_no_more_than_was_granted() {
    // SB-24
    let metadata = metadata(|client| client.scope = "openid email admin offline_access".parse().unwrap());
    let granted = resources(&[ISSUER, USERS]);
    for (section, (client_id, scope), user, requested, asked, expected) in REFRESHES {
        let grant = StoredGrant {
            client_id,
            scope,
            audiences: &granted,
            default_audiences: &granted,
            dpop_jkt: None,
            user: user.map(|administrator| User {
                administrator,
                assigned: true,
            }),
        };
        let requested = requested.map(|text| text.parse::<Scope>().unwrap());
        let request = RefreshRequest {
            details: None,
            scope: requested.as_ref(),
            confirmation: &Confirmation::default(),
            resources: &resources(asked),
        };
        match (
            narrow_grant(&grant, web(&metadata), PRIVILEGED, &request),
            *expected,
        ) {
            (Ok((scope, audiences)), Ok(expected)) => {
                assert_eq!(scope.to_string(), expected, "{section}");
                let all = if asked.is_empty() {
                    granted.clone()
                } else {
                    resources(asked)
                };
                assert_eq!(audiences, all, "{section}");
            }
            (Err(error), Err(code)) => assert_eq!(error.error, code, "{section}"),
            (decided, expected) => panic!("{section}: {decided:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_rotated_token_is_presented_again() {
    // SB-24; RFC 9700 §4.14.2
    use ReuseDecision::{RepeatSuccessor, RevokeGrant};
    for (name, seconds_ago, successor_unused, expected) in [
        ("the response was lost", 0, true, RepeatSuccessor),
        ("at the end of the grace", 30, true, RepeatSuccessor),
        ("after the grace", 31, true, RevokeGrant),
        (
            "within the grace, and the successor was used",
            1,
            false,
            RevokeGrant,
        ),
    ] {
        let token = RotatedToken {
            rotated_ago: Duration::from_secs(seconds_ago),
            successor_unused,
        };
        assert_eq!(reuse_of_rotated_token(token), expected, "{name}");
    }
}

#[test]
fn a_refresh_token_that_is_bound_to_a_key_needs_it_and_is_not_rotated() {
    // SB-24, RFC 9449 §5
    let confidential = metadata(|_| {});
    let public = metadata(|client| client.token_endpoint_auth_method = AuthMethod::None);
    let proved = |jkt: Option<&str>| Confirmation {
        jkt: jkt.map(str::to_owned),
        x5t: None,
    };
    for (metadata, jkt, bound) in [
        (&public, Some("key"), true),
        (&public, None, false),
        (&confidential, Some("key"), false),
    ] {
        let dpop_jkt = refresh_token_key(web(metadata), &proved(jkt));
        assert_eq!(dpop_jkt.is_some(), bound);
        let grant = StoredGrant {
            client_id: "web",
            scope: "openid",
            audiences: &[],
            default_audiences: &[],
            dpop_jkt: dpop_jkt.as_deref(),
            user: Some(User {
                administrator: false,
                assigned: true,
            }),
        };
        assert_eq!(rotates_refresh_tokens(&grant, web(metadata)), !bound);
        let fapi2 = ClientMetadata {
            profile: Some(ClientProfile::Fapi2),
            ..metadata.clone()
        };
        // FAPI 2.0 Security Profile §5.3.2.1
        assert!(!rotates_refresh_tokens(&grant, web(&fapi2)));
        for sent in [None, Some("key"), Some("other")] {
            let request = RefreshRequest {
                details: None,
                scope: None,
                confirmation: &proved(sent),
                resources: &[],
            };
            let outcome = narrow_grant(&grant, web(metadata), PRIVILEGED, &request);
            let expected = (bound && sent != Some("key")).then_some(ErrorCode::InvalidGrant);
            assert_eq!(outcome.err().map(|error| error.error), expected, "{sent:?}");
        }
    }
}

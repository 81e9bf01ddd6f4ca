//! Rows on what a client has lost between a grant and a token for it (SB-47).

use std::time::Duration;

use super::*;
use crate::scope::Scope;
use crate::testing::{CALLBACK, PRIVILEGED};

const BANK: &str = "https://bank.example";

/// The case, the registered scope and audiences, the requested resources, and the scope and audiences of the token or the error.
type LostRow = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    Result<(&'static str, &'static [&'static str]), ErrorCode>,
);

/// The grant has the scope `openid email` and the audiences `BANK` and `USERS`.
const LOST: &[LostRow] = &[
    (
        "nothing",
        "openid email",
        &[BANK, USERS],
        &[],
        Ok(("openid email", &[BANK, USERS])),
    ),
    (
        "an audience",
        "openid email",
        &[USERS],
        &[],
        Ok(("openid email", &[USERS])),
    ),
    (
        "an audience that is requested",
        "openid email",
        &[USERS],
        &[BANK],
        Err(ErrorCode::InvalidTarget),
    ),
    (
        "all audiences of the grant",
        "openid email",
        &["https://wiki.example"],
        &[],
        Err(ErrorCode::InvalidGrant),
    ),
    (
        "its audiences, so that it has the default ones",
        "openid email",
        &[],
        &[],
        Ok(("openid email", &[USERS])),
    ),
    (
        "a scope",
        "openid",
        &[BANK, USERS],
        &[],
        Ok(("openid", &[BANK, USERS])),
    ),
];

#[test]
fn what_a_client_has_lost_is_in_no_token_for_an_earlier_grant() {
    let granted = resources(&[BANK, USERS]);
    let default_audiences = resources(&[ISSUER, USERS]);
    for (lost, scope, audiences, requested, expected) in LOST {
        let mut metadata = metadata(|_| {});
        metadata.scope = scope.parse().unwrap();
        metadata.audiences = resources(audiences);
        let expected: Result<(Scope, Vec<Resource>), ErrorCode> =
            expected.map(|(scope, audiences)| (scope.parse().unwrap(), resources(audiences)));
        let grant = StoredGrant {
            client_id: "web",
            scope: "openid email",
            audiences: &granted,
            default_audiences: &default_audiences,
            dpop_jkt: None,
            user: Some(User {
                administrator: false,
                assigned: true,
            }),
        };
        let request = RefreshRequest {
            details: None,
            scope: None,
            confirmation: &Confirmation::default(),
            resources: &resources(requested),
        };
        let refreshed = narrow_grant(&grant, web(&metadata), PRIVILEGED, &request);
        assert_eq!(
            refreshed.map_err(|error| error.error),
            expected,
            "refresh: {lost}"
        );
        let code = StoredCode {
            client_id: "web",
            redirect_uri: CALLBACK,
            redirect_uri_sent: false,
            code_challenge: None,
            dpop_jkt: None,
            scope: "openid email",
            audiences: &granted,
            default_audiences: &default_audiences,
            expires_in: Duration::from_secs(1),
            used: false,
        };
        let redemption = CodeRedemption {
            details: None,
            code: "",
            redirect_uri: None,
            verifier: None,
            confirmation: &Confirmation::default(),
            resources: &resources(requested),
        };
        let redeemed = match redeem_code(&code, web(&metadata), &redemption) {
            CodeDecision::Issue { scope, audiences } => Ok((scope, audiences)),
            CodeDecision::Refuse(error) => Err(error.error),
            CodeDecision::RevokeReused => panic!("{lost}"),
        };
        assert_eq!(redeemed, expected, "code: {lost}");
        let code = StoredDeviceCode {
            client_id: "web",
            answer: DeviceAnswer::Allowed,
            scope: "openid email",
            audiences: &granted,
            default_audiences: &default_audiences,
            expires_in: Duration::from_secs(1),
            interval: 5,
            polled_ago: None,
            used: false,
        };
        let redeemed = match redeem_device_code(&code, web(&metadata), &resources(requested)) {
            DeviceDecision::Issue { scope, audiences } => Ok((scope, audiences)),
            decision => Err(decision.error().error),
        };
        assert_eq!(redeemed, expected, "device code: {lost}");
    }
}

#[test]
fn a_code_whose_whole_scope_was_taken_from_the_client_gives_nothing() {
    let metadata = metadata(|client| client.scope = "profile".parse().unwrap());
    let code = StoredCode {
        client_id: "web",
        redirect_uri: CALLBACK,
        redirect_uri_sent: false,
        code_challenge: None,
        dpop_jkt: None,
        scope: "openid email",
        audiences: &[],
        default_audiences: &[],
        expires_in: Duration::from_secs(1),
        used: false,
    };
    let redemption = CodeRedemption {
        details: None,
        code: "",
        redirect_uri: None,
        verifier: None,
        confirmation: &Confirmation::default(),
        resources: &[],
    };
    let decided = redeem_code(&code, web(&metadata), &redemption);
    assert!(matches!(decided, CodeDecision::Refuse(error) if error.error == ErrorCode::InvalidGrant));
}

//! Answers that refuse an access token, each with its challenge (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3).

use std::time::Duration;

use oidc::dpop::{Confirmation, DpopError};

use super::{AccessToken, dpop};
use crate::clock::{SKEW, Timestamp};
use crate::http::Problem;

/// The challenge to a request without a token. RFC 6750 §3 requires a parameter after the scheme, and §3.1 asks for no
/// error code here.
pub(super) const CHALLENGE: &str = r#"Bearer realm="vestibule""#;

/// The authentication scheme of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

impl Scheme {
    /// The scheme that `token` comes with.
    pub fn of(token: &AccessToken) -> Self {
        match &token.confirmation {
            Some(Confirmation { jkt: Some(_), .. }) => Self::Dpop,
            _ => Self::Bearer,
        }
    }
}

/// 401 `invalid_token` for an access token (RFC 6750 §3.1, RFC 9449 §7.1).
pub fn invalid_token(scheme: Scheme, detail: impl Into<String>) -> Problem {
    let challenge = match scheme {
        Scheme::Bearer => r#"Bearer error="invalid_token""#.to_owned(),
        Scheme::Dpop => dpop::challenge("invalid_token"),
    };
    Problem::unauthorized(&challenge).detail(detail)
}

/// 401 `invalid_token` for an access token that was revoked (RFC 6750 §3.1, RFC 9449 §7.1).
pub fn revoked_token(token: &AccessToken) -> Problem {
    invalid_token(Scheme::of(token), "The token was revoked.")
}

/// 401 for a DPoP proof (RFC 9449 §7.1, §9).
pub(super) fn refused_proof(error: DpopError) -> Problem {
    let code = match error {
        DpopError::Nonce => "use_dpop_nonce",
        _ => "invalid_dpop_proof",
    };
    Problem::unauthorized(&dpop::challenge(code)).detail(format!("{error}."))
}

/// Checks that the user of a token has signed in within `max_age`, for what cannot be undone. A client that acts for itself has no
/// user to ask.
///
/// # Errors
/// 401 `insufficient_user_authentication` with `max_age`, by which the client gets a new sign-in (RFC 9470 §3).
pub fn check_recent_sign_in(token: &AccessToken, now: Timestamp, max_age: Duration) -> Result<(), Problem> {
    let recent = |auth_time: Timestamp| auth_time <= now + SKEW && now.since(auth_time) <= max_age;
    if token.is_of_client() || token.auth_time.is_some_and(recent) {
        return Ok(());
    }
    let error = "insufficient_user_authentication";
    let challenge = match Scheme::of(token) {
        Scheme::Bearer => format!(r#"Bearer error="{error}""#),
        Scheme::Dpop => dpop::challenge(error),
    };
    let seconds = max_age.as_secs();
    let description = "a recent sign-in is required";
    let challenge = format!(r#"{challenge}, error_description="{description}", max_age="{seconds}""#);
    Err(Problem::unauthorized(&challenge)
        .detail(format!("This needs a sign-in within the last {seconds} seconds."))
        .with("max_age", seconds))
}

/// 403 `insufficient_scope` for a bearer token, with the required scope (RFC 6750 §3.1).
pub fn insufficient_scope(scope: &'static str) -> Problem {
    lacks_scope(Scheme::Bearer, scope)
}

pub(super) fn lacks_scope(scheme: Scheme, scope: &'static str) -> Problem {
    let challenge = match scheme {
        Scheme::Bearer => format!(r#"Bearer error="insufficient_scope", scope="{scope}""#),
        Scheme::Dpop => format!(r#"{}, scope="{scope}""#, dpop::challenge("insufficient_scope")),
    };
    Problem::forbidden(format!(
        "The token lacks the scope {}.",
        scope.replace(' ', " or ")
    ))
    .with("scope", scope)
    .header(::http::header::WWW_AUTHENTICATE, &challenge)
}

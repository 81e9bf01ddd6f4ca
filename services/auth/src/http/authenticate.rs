//! `POST /authenticate`: direct sign-in of first-party applications, command lines and tests.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::http::{ClientInfo, Json, Problem};
use chassis::secret::{SecretString, Token};
use contract::UserState;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use serde::{Deserialize, Serialize};

use crate::accounts::{SignInError, SignInRequest};
use crate::direct_sign_in::{DirectSignIn, DirectSignInError};

/// The scope of a request without one. Privileged scopes are granted only when they are requested.
const DEFAULT_SCOPE: [&str; 4] = ["openid", "profile", "email", "groups"];

/// The value of `Retry-After` while the registration is pending.
const PENDING_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The body of the request.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticateRequest {
    username: String,
    #[schemars(with = "String")]
    password: SecretString,
    /// The one-time password of an account with a second factor.
    #[serde(default, rename = "otp")]
    #[schemars(with = "Option<String>")]
    _otp: Option<SecretString>,
    /// The requested scopes, separated by spaces.
    #[serde(default)]
    scope: Option<String>,
    /// The device token from an earlier sign-in with `remember_device`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    device_token: Option<SecretString>,
    #[serde(default)]
    remember_device: bool,
}

/// The body of a successful response.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct AuthenticateResponse {
    #[serde(flatten)]
    tokens: TokenResponse,
    user: UserState,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// `POST /authenticate`: signs in and issues tokens.
pub(crate) async fn authenticate(
    State(direct): State<DirectSignIn>,
    client: ClientInfo,
    Json(sent): Json<AuthenticateRequest>,
) -> Result<Response, Problem> {
    if !direct.is_enabled() {
        return Err(Problem::not_found());
    }
    let asked = requested_scope(sent.scope.as_deref())?;
    let attempt = SignInRequest {
        user_name: sent.username,
        password: sent.password,
        client,
        device: sent.device_token.map(|token| {
            use chassis::secret::ExposeSecret;
            Token::new(token.expose_secret())
        }),
    };
    let granted = direct
        .sign_in(attempt, &asked, sent.remember_device)
        .await
        .map_err(to_problem)?;
    let granted = AuthenticateResponse {
        tokens: granted.tokens,
        user: granted.subject.claims,
        device_token: granted.device.map(|token| token.expose().to_owned()),
    };
    let mut response = axum::Json(granted).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn requested_scope(text: Option<&str>) -> Result<Scope, Problem> {
    let asked = text.unwrap_or_default().parse::<Scope>();
    let scope = asked.and_then(|asked| match asked.is_empty() {
        true => Scope::of(DEFAULT_SCOPE),
        false => Ok(asked),
    });
    scope.map_err(|error| Problem::invalid().field("scope", error.to_string()))
}

/// The response to invalid credentials. It is the same for every reason (SB-8).
fn invalid_credentials() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong-credentials",
        "The user name or the password is wrong",
    )
}

fn to_problem(error: DirectSignInError) -> Problem {
    match error {
        DirectSignInError::SignIn(error) => sign_in_problem(error),
        DirectSignInError::Refused => invalid_credentials(),
        DirectSignInError::Scope(error) => Problem::invalid().field("scope", error.to_string()),
        DirectSignInError::NoClient => Problem::not_found(),
        DirectSignInError::Db(error) => error.into(),
        DirectSignInError::Grant(error) => Problem::internal(&error),
    }
}

fn sign_in_problem(error: SignInError) -> Problem {
    match error {
        SignInError::InvalidCredentials => invalid_credentials(),
        SignInError::Throttled { retry_after } => {
            Problem::too_many(retry_after).detail("Too many sign-ins failed. Wait, then try again.")
        }
        SignInError::Busy { retry_after } => {
            Problem::unavailable(retry_after).detail("Too many people sign in at once.")
        }
        SignInError::Pending { .. } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "registration-pending",
            "The account is being set up",
        )
        .retry_after(PENDING_RETRY_AFTER),
        SignInError::Db(error) => error.into(),
        error @ SignInError::Hash => Problem::internal(&error),
    }
}

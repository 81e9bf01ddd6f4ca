//! `POST /authenticate`: direct sign-in of first-party applications, command lines and tests.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chassis::http::{ClientInfo, Json, Problem};
use chassis::secret::{SecretString, Token};
use contract::UserState;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use serde::{Deserialize, Serialize};

use crate::accounts::{SignInError, SignInRequest, SignedIn};
use crate::app::{App, SharedApp};
use crate::clients::DIRECT_CLIENT;
use crate::sessions::{SessionLifetime, StartError};
use crate::subjects::{self, Subject};
use crate::tokens::{self, Grant, GrantError};

/// The scope of a request without one. Privileged scopes are granted only when they are requested.
const DEFAULT_SCOPE: [&str; 4] = ["openid", "profile", "email", "groups"];

/// When to try again while the registration is pending.
const PENDING_RETRY_AFTER: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<SharedApp> {
    Router::new().route("/authenticate", post(authenticate))
}

/// The body of the request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticateRequest {
    username: String,
    password: SecretString,
    /// The one-time password of an account with a second factor.
    #[serde(default, rename = "otp")]
    _otp: Option<SecretString>,
    /// The requested scopes, separated by spaces.
    #[serde(default)]
    scope: Option<String>,
    /// The device token from an earlier sign-in with `remember_device`.
    #[serde(default)]
    device_token: Option<SecretString>,
    #[serde(default)]
    remember_device: bool,
}

/// The body of a successful response.
#[derive(Serialize)]
struct AuthenticateResponse {
    #[serde(flatten)]
    tokens: TokenResponse,
    user: UserState,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// `POST /authenticate`: signs in and issues tokens.
async fn authenticate(
    State(app): State<SharedApp>,
    client: ClientInfo,
    Json(sent): Json<AuthenticateRequest>,
) -> Result<Response, Problem> {
    if !app.settings.authenticate.enabled {
        return Err(Problem::not_found());
    }
    let asked = requested_scope(sent.scope.as_deref())?;
    let attempt = SignInRequest {
        user_name: sent.username,
        password: sent.password,
        client: client.clone(),
        device: sent.device_token.map(|token| {
            use chassis::secret::ExposeSecret;
            Token::new(token.expose_secret())
        }),
    };
    let who = app.accounts.sign_in(attempt).await.map_err(sign_in_problem)?;
    let remember = sent.remember_device && !who.known_device;
    let granted = match start_session_and_issue(&app, &who, &client, &asked, remember).await {
        Ok(granted) => granted,
        Err(GrantFailure::Scope(problem)) => {
            // The password was right, so the attempt does not count as a failure.
            let mut tx = app.db.begin("authenticate_refused").await?;
            who.clear_failures(&mut tx).await?;
            tx.commit().await?;
            return Err(problem);
        }
        Err(GrantFailure::Failed(problem)) => return Err(problem),
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

/// Why no tokens are issued after a successful authentication.
enum GrantFailure {
    /// The requested scope is not allowed.
    Scope(Problem),
    /// The account may not sign in any more, or the service failed.
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for GrantFailure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Starts a session and grants access in one transaction, and signs the tokens after it.
async fn start_session_and_issue(
    app: &App,
    who: &SignedIn,
    caller: &ClientInfo,
    asked: &Scope,
    remember: bool,
) -> Result<AuthenticateResponse, GrantFailure> {
    let client = app
        .clients
        .find(DIRECT_CLIENT)
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut tx = app.db.begin("authenticate").await?;
    // This session has no cookie. It lives as long as its refresh tokens may.
    let life = Duration::from_secs(u64::from(app.settings.tokens.refresh_days) * 86_400);
    let lifetime = SessionLifetime {
        idle: life,
        absolute: life,
    };
    let started = app
        .sessions
        .start_with_lifetime(&mut tx, who, caller, lifetime)
        .await
        .map_err(start_problem)?;
    let subject: Subject = subjects::find(&mut tx, who.account_id)
        .await?
        .ok_or_else(invalid_credentials)?;
    let audiences = app.tokens.audiences(&client, &[]).map_err(grant_failure)?;
    let grant = Grant {
        subject: subject.id,
        scope: tokens::subject_scope(&client, &subject, asked).map_err(grant_failure)?,
        audiences: audiences.clone(),
        session_id: Some(started.session.id),
        auth_time: who.auth_time,
        amr: who.amr.clone(),
        nonce: None,
    };
    let pending = app
        .tokens
        .issue(&mut tx, &client, grant)
        .await
        .map_err(grant_failure)?;
    let device = match remember {
        true => Some(app.accounts.remember_device(&mut tx, subject.id).await?),
        false => None,
    };
    tx.commit().await?;
    let tokens = app.tokens.sign(pending, &client, &audiences);
    Ok(AuthenticateResponse {
        tokens: tokens.map_err(grant_failure)?,
        user: subject.claims,
        device_token: device.map(|token| token.expose().to_owned()),
    })
}

/// The response to invalid credentials. It is the same for every reason (SB-8).
fn invalid_credentials() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong-credentials",
        "The user name or the password is wrong",
    )
}

fn start_problem(error: StartError) -> Problem {
    match error {
        StartError::Refused => invalid_credentials(),
        StartError::Db(error) => error.into(),
    }
}

fn grant_failure(error: impl Into<GrantError>) -> GrantFailure {
    match error.into() {
        GrantError::OAuth(error) => GrantFailure::Scope(Problem::invalid().field("scope", error.to_string())),
        other => GrantFailure::Failed(Problem::internal(&other)),
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

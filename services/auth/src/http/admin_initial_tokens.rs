//! `/admin/v1/initial-access-tokens`: the tokens with which clients register themselves (RFC 7591 §3).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clients::{ClientRegistration, InitialAccessToken, InitialTokenError, NewInitialToken};

/// The body of `POST /admin/v1/initial-access-tokens`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInitialAccessToken {
    /// The name for administrators.
    name: String,
    /// The number of clients that may be registered with it.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    uses: u32,
    /// The hours for which it is good.
    #[serde(default = "a_day")]
    #[schemars(range(min = 1, max = 8784))]
    expires_in_hours: u32,
}

const fn one() -> u32 {
    1
}

const fn a_day() -> u32 {
    24
}

/// An initial access token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InitialAccessToken")]
pub(crate) struct InitialTokenView {
    id: Uuid,
    name: String,
    /// The token, which is shown once, in the response that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_access_token: Option<String>,
    /// The number of clients that may be registered with it.
    uses: i64,
    /// The number of clients that were registered with it.
    used: i64,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// The initial access tokens, the newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InitialAccessTokenList")]
pub(crate) struct InitialTokenList {
    tokens: Vec<InitialTokenView>,
}

impl From<InitialAccessToken> for InitialTokenView {
    fn from(token: InitialAccessToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            initial_access_token: None,
            uses: token.max_uses,
            used: token.uses,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

/// `GET /admin/v1/initial-access-tokens`: the tokens, the newest first.
pub(crate) async fn list(
    State(registration): State<ClientRegistration>,
    _: Scoped<Admin>,
) -> Result<Json<InitialTokenList>, Problem> {
    let tokens = registration.initial_tokens().await?;
    let tokens = tokens.into_iter().map(InitialTokenView::from).collect();
    Ok(Json(InitialTokenList { tokens }))
}

/// `POST /admin/v1/initial-access-tokens`: makes a token. Only this response has it.
pub(crate) async fn create(
    State(registration): State<ClientRegistration>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<NewInitialAccessToken>,
) -> Result<Response, Problem> {
    let new = NewInitialToken {
        name: new.name,
        uses: new.uses,
        hours: new.expires_in_hours,
    };
    let (token, secret) = registration.create_initial_token(new).await.map_err(to_problem)?;
    tracing::info!(event.action = "initial-access-token-created", event.outcome = "success", user.id = %admin.subject, initial_token.id = %token.id, "administrator made an initial access token");
    let shown = InitialTokenView {
        initial_access_token: Some(secret.expose().to_owned()),
        ..token.into()
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(shown)).into_response())
}

/// `DELETE /admin/v1/initial-access-tokens/{id}`: deletes a token. The clients that were registered with it stay.
pub(crate) async fn delete(
    State(registration): State<ClientRegistration>,
    admin: Scoped<Admin>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if registration.delete_initial_token(id).await? {
        tracing::info!(event.action = "initial-access-token-deleted", event.outcome = "success", user.id = %admin.subject, initial_token.id = %id, "administrator deleted an initial access token");
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

fn to_problem(error: InitialTokenError) -> Problem {
    match error {
        InitialTokenError::Invalid { field, detail } => Problem::invalid().field(field, detail),
        error @ InitialTokenError::TooMany => Problem::conflict(error.to_string()),
        InitialTokenError::Db(error) => error.into(),
    }
}

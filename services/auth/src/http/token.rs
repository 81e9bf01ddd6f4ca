//! Tokens for clients.

use axum::extract::State;
use axum::response::Response;
use chassis::secret::ExposeSecret;
use http::HeaderMap;
use oidc::error::ErrorCode;
use oidc::params::Params;
use oidc::token::{REPEATABLE, TokenRequest, TokenResponse};

use super::answer::{self, FormBody, Refusal};
use crate::app::{App, SharedApp};
use crate::clients::{Client, GrantType};
use crate::grants::{self, GrantError, Redeem};
use crate::restored;

/// `POST /oauth2/token` (RFC 6749 §3.2).
pub(super) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, Refusal> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| Refusal::from(oidc::error::OAuthError::from(error)))?;
    let client = answer::client_of(&app, &headers, &form).await?;
    let request = TokenRequest::parse(&form)?;
    let grant = match request {
        TokenRequest::AuthorizationCode { .. } => GrantType::AuthorizationCode,
        TokenRequest::RefreshToken { .. } => GrantType::RefreshToken,
        TokenRequest::ClientCredentials { .. } => GrantType::ClientCredentials,
    };
    if !client.may(grant) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the client is not registered for this grant")
            .into());
    }
    let outcome = give(&app, &client, &request).await;
    let result = if outcome.is_ok() { "given" } else { "refused" };
    metrics::counter!("vestibule_token_requests_total", "grant" => grant.name(), "outcome" => result)
        .increment(1);
    Ok(answer::secret(&outcome?))
}

async fn give(app: &App, client: &Client, request: &TokenRequest) -> Result<TokenResponse, GrantError> {
    if !matches!(request, TokenRequest::ClientCredentials { .. }) {
        restored::refuse_tokens(app)?;
    }
    match request {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
            resources,
        } => {
            let redeem = Redeem {
                code: code.expose_secret(),
                redirect_uri: redirect_uri.as_deref(),
                verifier: code_verifier.as_ref(),
                resources,
            };
            grants::redeem_code(app, client, &redeem).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
            resources,
        } => {
            grants::refresh(
                app,
                client,
                refresh_token.expose_secret(),
                scope.as_ref(),
                resources,
            )
            .await
        }
        TokenRequest::ClientCredentials { scope, resources } => {
            grants::issue_to_client(app, client, scope.as_ref(), resources)
        }
    }
}

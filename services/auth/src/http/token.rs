//! `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).

use axum::extract::State;
use axum::response::Response;
use chassis::secret::ExposeSecret;
use http::HeaderMap;
use oidc::params::Params;
use oidc::token::{REPEATABLE, TokenRequest, TokenResponse};

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use super::sign_in_gate::check_tokens_issued;
use crate::app::{App, SharedApp};
use crate::clients::Client;
use crate::tokens::{CodeRedemption, GrantError};

/// `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).
pub(crate) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&app, &headers, &form).await?;
    let request = TokenRequest::parse(&form)?;
    let grant = request.grant_type();
    client.registered().check_grant(grant)?;
    let outcome = issue_tokens(&app, &client, &request).await;
    let result = if outcome.is_ok() { "issued" } else { "rejected" };
    metrics::counter!("vestibule_token_requests_total", "grant" => grant.name(), "outcome" => result)
        .increment(1);
    Ok(oauth_endpoint::no_store_json(&outcome?))
}

async fn issue_tokens(
    app: &App,
    client: &Client,
    request: &TokenRequest,
) -> Result<TokenResponse, GrantError> {
    if !matches!(request, TokenRequest::ClientCredentials { .. }) {
        check_tokens_issued(&app.sign_in_gate)?;
    }
    match request {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
            resources,
        } => {
            let redeem = CodeRedemption {
                code: code.expose_secret(),
                redirect_uri: redirect_uri.as_deref(),
                verifier: code_verifier.as_ref(),
                resources,
            };
            app.tokens.redeem_code(client, &redeem).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
            resources,
        } => {
            app.tokens
                .refresh(client, refresh_token.expose_secret(), scope.as_ref(), resources)
                .await
        }
        TokenRequest::ClientCredentials { scope, resources } => {
            app.tokens.issue_client_token(client, scope.as_ref(), resources)
        }
    }
}

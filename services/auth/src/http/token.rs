//! `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).

use axum::extract::State;
use axum::response::Response;
use chassis::secret::ExposeSecret;
use http::HeaderMap;
use oidc::params::Params;
use oidc::token::{REPEATABLE, TokenRequest, TokenResponse};

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use super::sign_in_gate::check_tokens_issued;
use crate::clients::{Client, Clients};
use crate::restore::SignInGate;
use crate::tokens::{CodeRedemption, GrantError, Tokens};

/// `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(tokens): State<Tokens>,
    State(gate): State<SignInGate>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    let request = TokenRequest::parse(&form)?;
    let grant = request.grant_type();
    client.registered().check_grant(grant)?;
    let outcome = issue_tokens(&tokens, &gate, &client, &request).await;
    let result = if outcome.is_ok() { "issued" } else { "rejected" };
    metrics::counter!("vestibule_token_requests_total", "grant" => grant.name(), "outcome" => result)
        .increment(1);
    Ok(oauth_endpoint::no_store_json(&outcome?))
}

async fn issue_tokens(
    tokens: &Tokens,
    gate: &SignInGate,
    client: &Client,
    request: &TokenRequest,
) -> Result<TokenResponse, GrantError> {
    if !matches!(request, TokenRequest::ClientCredentials { .. }) {
        check_tokens_issued(gate)?;
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
            tokens.redeem_code(client, &redeem).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
            resources,
        } => {
            tokens
                .refresh(client, refresh_token.expose_secret(), scope.as_ref(), resources)
                .await
        }
        TokenRequest::ClientCredentials { scope, resources } => {
            tokens.issue_client_token(client, scope.as_ref(), resources)
        }
    }
}

//! `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).

use axum::extract::State;
use axum::response::Response;
use chassis::secret::{ExposeSecret, SecretString};
use contract::paths::auth::TOKEN;
use http::HeaderMap;
use oidc::authorization_details::AuthorizationDetails;
use oidc::client::GrantType;
use oidc::dpop::Confirmation;
use oidc::error::OAuthError;
use oidc::params::Params;
use oidc::resource::Resource;
use oidc::token::{REPEATABLE, TokenRequest, TokenResponse};

use super::dpop::{self, Possession};
use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use super::sign_in_gate::check_tokens_issued;
use crate::clients::{Client, Clients};
use crate::restore::SignInGate;
use crate::tokens::{
    ClientTokenRequest, CodeRedemption, DeviceRedemption, GrantError, RefreshRequest, Tokens,
};

/// `POST /oauth2/token`: token endpoint (RFC 6749 §3.2).
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(tokens): State<Tokens>,
    State(gate): State<SignInGate>,
    State(possession): State<Possession>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let nonce = possession.check_nonce(&headers)?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    let request = TokenRequest::parse(&form)?;
    let grant = request.grant_type();
    let details = match grant {
        GrantType::DeviceCode | GrantType::TokenExchange => {
            AuthorizationDetails::refuse_in(&form, "this grant")?;
            None
        }
        _ => AuthorizationDetails::of(&form)?,
    };
    client.check_grant(grant)?;
    let gives_id_tokens = !matches!(grant, GrantType::ClientCredentials | GrantType::TokenExchange);
    let encryption = client.metadata.id_token_encryption().filter(|_| gives_id_tokens);
    let recipient = clients
        .recipient(&client, encryption)
        .await
        .map_err(OAuthError::from)?;
    let prove_and_issue = async || {
        let proof = possession.proof(&client, nonce, &headers, TOKEN)?;
        let confirmation = dpop::confirmation(&client, &headers, proof.as_ref())?;
        let issuing = issue_tokens(
            (&tokens, &clients),
            &gate,
            &client,
            (&request, details.as_ref()),
            &confirmation,
        );
        possession.once(proof.as_ref(), issuing).await
    };
    let outcome: Result<TokenResponse, GrantError> = prove_and_issue().await;
    let result = if outcome.is_ok() { "issued" } else { "rejected" };
    metrics::counter!("vestibule_token_requests_total", "grant" => grant.short_name(), "outcome" => result)
        .increment(1);
    let mut response = outcome?;
    if let Some(recipient) = recipient
        && let Some(id_token) = response.id_token.take()
    {
        let encrypted = recipient.encrypt_jwt(&id_token);
        response.id_token = Some(encrypted.map_err(|error| OAuthErrorResponse::internal(&error))?);
    }
    Ok(oauth_endpoint::no_store_json(&response))
}

async fn issue_tokens(
    (tokens, clients): (&Tokens, &Clients),
    gate: &SignInGate,
    client: &Client,
    (request, details): (&TokenRequest, Option<&AuthorizationDetails>),
    confirmation: &Confirmation,
) -> Result<TokenResponse, GrantError> {
    if !matches!(request, TokenRequest::ClientCredentials { .. }) {
        check_tokens_issued(gate)?;
    }
    issue_for_grant((tokens, clients), client, (request, details), confirmation).await
}

async fn issue_for_grant(
    (tokens, clients): (&Tokens, &Clients),
    client: &Client,
    (request, details): (&TokenRequest, Option<&AuthorizationDetails>),
    confirmation: &Confirmation,
) -> Result<TokenResponse, GrantError> {
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
                confirmation,
                resources,
                details,
            };
            tokens.redeem_code(client, &redeem).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
            resources,
        } => {
            let request = RefreshRequest {
                scope: scope.as_ref(),
                resources,
                details,
                confirmation,
            };
            tokens
                .refresh(client, refresh_token.expose_secret(), &request)
                .await
        }
        TokenRequest::DeviceCode {
            device_code,
            resources,
        } => redeem_device_code(tokens, client, (device_code, resources), confirmation).await,
        TokenRequest::TokenExchange(request) => tokens.exchange(clients, client, request, confirmation).await,
        TokenRequest::ClientCredentials { scope, resources } => {
            let request = ClientTokenRequest {
                scope: scope.as_ref(),
                resources,
                details,
            };
            tokens.issue_client_token(client, &request, confirmation)
        }
    }
}

async fn redeem_device_code(
    tokens: &Tokens,
    client: &Client,
    (code, resources): (&SecretString, &[Resource]),
    confirmation: &Confirmation,
) -> Result<TokenResponse, GrantError> {
    let redeem = DeviceRedemption {
        code: code.expose_secret(),
        resources,
        confirmation,
    };
    tokens.redeem_device_code(client, &redeem).await
}

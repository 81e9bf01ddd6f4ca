//! `POST /oauth2/introspect`: token introspection (RFC 7662, RFC 9701).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::secret::ExposeSecret;
use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use oidc::error::ErrorCode;
use oidc::introspection::{IntrospectionRequest, MEDIA_TYPE, accepts_jwt};
use oidc::params::Params;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use super::sign_in_gate::check_tokens_issued;
use crate::clients::Clients;
use crate::restore::SignInGate;
use crate::tokens::Tokens;

/// `POST /oauth2/introspect`: token introspection (RFC 7662 §2). The client must have a secret or a key (§2.1), and learns about
/// its own tokens and about those for the resource server that it is.
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(tokens): State<Tokens>,
    State(gate): State<SignInGate>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, &[])
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    if client.metadata.is_public() {
        return Err(ErrorCode::InvalidClient
            .because("a client without a secret cannot introspect tokens")
            .into());
    }
    let request = IntrospectionRequest::parse(&form)?;
    let response = tokens
        .introspect(&clients, &client, request.token.expose_secret())
        .await?;
    // After a restoration the grant or its user may have ended since the backup.
    if response.sub != response.client_id {
        check_tokens_issued(&gate)?;
    }
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if !accept.is_some_and(accepts_jwt) {
        return Ok(oauth_endpoint::no_store_json(&response));
    }
    let jwt = tokens.sign_introspection(&client, response)?;
    Ok(([(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, MEDIA_TYPE)], jwt).into_response())
}

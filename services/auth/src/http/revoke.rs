//! Giving tokens back.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use oidc::error::ErrorCode;
use oidc::params::Params;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::clients::Client;
use crate::grants;

/// `POST /oauth2/revoke` (RFC 7009 §2). The family of a refresh token ends; with an access token, the grant that it
/// stems from. A token that is nobody's, or another client's, is answered alike.
pub(super) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<StatusCode, OAuthErrorResponse> {
    let form = Params::parse(&form, &[])
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&app, &headers, &form).await?;
    let token = form.get("token").ok_or_else(|| {
        OAuthErrorResponse::from(ErrorCode::InvalidRequest.because("the parameter token is missing"))
    })?;
    // RFC 7009 §2.1: the hint may be wrong, and the two kinds cannot be confused.
    if token.contains('.') {
        revoke_access_token(&app, &client, token).await?;
    } else {
        grants::revoke_refresh_token(&app, &client, token).await?;
    }
    Ok(StatusCode::OK)
}

async fn revoke_access_token(app: &App, client: &Client, token: &str) -> Result<(), OAuthErrorResponse> {
    // Verified for this service as audience: tokens for others alone cannot be used at the userinfo endpoint.
    let Ok(access) = app.verifier.verify(token).await else {
        return Ok(());
    };
    if access.client_id == client.id.as_str()
        && let Some(grant) = access.grant.as_deref().and_then(|id| id.parse().ok())
    {
        grants::revoke_grant(app, client, grant).await?;
    }
    Ok(())
}

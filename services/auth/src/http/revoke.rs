//! `POST /oauth2/revoke`: token revocation (RFC 7009).

use axum::extract::State;
use chassis::secret::ExposeSecret;
use http::{HeaderMap, StatusCode};
use oidc::params::Params;
use oidc::revocation::RevocationRequest;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::clients::Client;

/// `POST /oauth2/revoke`: token revocation (RFC 7009 §2). It revokes the grant of a refresh token or an
/// access token. The response is the same for an unknown token and for one of another client.
pub(crate) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<StatusCode, OAuthErrorResponse> {
    let form = Params::parse(&form, &[])
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&app, &headers, &form).await?;
    match RevocationRequest::parse(&form)? {
        RevocationRequest::AccessToken(token) => {
            revoke_access_token(&app, &client, token.expose_secret()).await?;
        }
        RevocationRequest::RefreshToken(token) => {
            app.grants
                .revoke_refresh_token(client.id.as_str(), token.expose_secret())
                .await?;
        }
    }
    Ok(StatusCode::OK)
}

async fn revoke_access_token(app: &App, client: &Client, token: &str) -> Result<(), OAuthErrorResponse> {
    // The token must have this service as audience. Tokens for other audiences alone cannot be used here
    // anyway.
    let Ok(access) = app.verifier.verify(token).await else {
        return Ok(());
    };
    if access.client_id == client.id.as_str()
        && let Some(grant) = access.grant.as_deref().and_then(|id| id.parse().ok())
    {
        app.grants.revoke_grant(client.id.as_str(), grant).await?;
    }
    Ok(())
}

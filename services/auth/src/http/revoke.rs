//! `POST /oauth2/revoke`: token revocation (RFC 7009).

use axum::extract::State;
use chassis::access::Verifier;
use chassis::secret::ExposeSecret;
use http::{HeaderMap, StatusCode};
use oidc::params::Params;
use oidc::revocation::RevocationRequest;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::clients::Clients;
use crate::grants::Grants;

/// `POST /oauth2/revoke`: token revocation (RFC 7009 §2). It revokes the grant of a refresh token or an
/// access token. The response is the same for an unknown token and for one of another client.
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(grants): State<Grants>,
    State(verifier): State<Verifier>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<StatusCode, OAuthErrorResponse> {
    let form = Params::parse(&form, &[])
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    match RevocationRequest::parse(&form)? {
        RevocationRequest::AccessToken(token) => {
            // The token must have this service as audience. Tokens for other audiences alone cannot be used here
            // anyway.
            let Ok(access) = verifier.verify(token.expose_secret()).await else {
                return Ok(StatusCode::OK);
            };
            if access.client_id == client.id.as_str()
                && let Some(grant) = access.grant.as_deref().and_then(|id| id.parse().ok())
            {
                grants.revoke_grant(client.id.as_str(), grant).await?;
            }
        }
        RevocationRequest::RefreshToken(token) => {
            grants
                .revoke_refresh_token(client.id.as_str(), token.expose_secret())
                .await?;
        }
    }
    Ok(StatusCode::OK)
}

//! `POST /oauth2/revoke`: token revocation (RFC 7009).

use axum::extract::State;
use chassis::clock::Timestamp;
use chassis::secret::ExposeSecret;
use http::{HeaderMap, StatusCode};
use oidc::error::ErrorCode;
use oidc::params::Params;
use oidc::revocation::RevocationRequest;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::clients::Clients;
use crate::grants::{ClientToken, Grants, RevokeError};
use crate::tokens::Tokens;

/// `POST /oauth2/revoke`: token revocation (RFC 7009 §2). It revokes the grant of a refresh token or an
/// access token; of an access token that a client has for itself, the token. The response is the same for an
/// unknown token and for one of another client.
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(grants): State<Grants>,
    State(tokens): State<Tokens>,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<StatusCode, OAuthErrorResponse> {
    let form = Params::parse(&form, &[])
        .map_err(|error| OAuthErrorResponse::from(oidc::error::OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    match RevocationRequest::parse(&form)? {
        RevocationRequest::AccessToken(token) => {
            let Some(access) = tokens.read_access_token(token.expose_secret()) else {
                return Ok(StatusCode::OK);
            };
            // It is of the grant of another client, and lives for minutes.
            if access.act.is_some() && access.client_id == client.id.as_str() {
                return Err(ErrorCode::UnsupportedTokenType
                    .because("an exchanged token ends with the grant of its user and cannot be revoked alone")
                    .into());
            }
            let grant = access.gid.as_deref().and_then(|id| id.parse().ok());
            if let Some(grant) = grant.filter(|_| access.client_id == client.id.as_str()) {
                if access.sub == access.client_id {
                    let token = ClientToken {
                        id: grant,
                        client_id: client.id.as_str(),
                        expires_at: Timestamp::from_secs(access.exp),
                    };
                    grants.revoke_client_token(token).await.map_err(refused)?;
                } else {
                    grants.revoke_grant(client.id.as_str(), grant).await?;
                }
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

/// RFC 7009 §2.2.1: after a 503 the client has to assume that the token is valid, and may try again.
fn refused(error: RevokeError) -> OAuthErrorResponse {
    match error {
        RevokeError::TooMany => ErrorCode::TemporarilyUnavailable
            .because("too many revoked tokens of the client have not expired yet")
            .into(),
        RevokeError::Db(error) => error.into(),
    }
}

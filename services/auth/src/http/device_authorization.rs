//! `POST /oauth2/device_authorization`: device authorization endpoint (RFC 8628 §3.1).

use axum::extract::State;
use axum::response::Response;
use chassis::http::ClientInfo;
use http::{HeaderMap, StatusCode};
use oidc::authorization_details::AuthorizationDetails;
use oidc::client::GrantType;
use oidc::device::{DeviceAuthorizationRequest, REPEATABLE};
use oidc::error::{ErrorCode, OAuthError};
use oidc::params::Params;

use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::clients::Clients;
use crate::device_authorizations::{DeviceAuthorizations, NewDevice, RequestError};
use crate::tokens::Tokens;

/// `POST /oauth2/device_authorization`: device authorization endpoint (RFC 8628 §3.1). The client authenticates as at the token
/// endpoint.
pub(crate) async fn post(
    State(clients): State<Clients>,
    State(tokens): State<Tokens>,
    State(devices): State<DeviceAuthorizations>,
    caller: ClientInfo,
    headers: HeaderMap,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| OAuthErrorResponse::from(OAuthError::from(error)))?;
    let client = oauth_endpoint::authenticate_client(&clients, &headers, &form).await?;
    client.check_grant(GrantType::DeviceCode)?;
    AuthorizationDetails::refuse_in(&form, "the device grant")?;
    let request = DeviceAuthorizationRequest::parse(&form)?;
    let new = NewDevice {
        client: &client,
        ip: caller.ip,
        scope: &request.scope,
        audiences: &tokens.audiences(&client, &request.resources)?,
    };
    match devices.request(new).await {
        Ok(response) => Ok(oauth_endpoint::no_store_json(&response)),
        Err(RequestError::Db(error)) => Err(error.into()),
        Err(RequestError::Full) => Err(OAuthErrorResponse::of(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::TemporarilyUnavailable.because("too many device codes wait"),
        )),
    }
}

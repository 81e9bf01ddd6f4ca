//! The check of an authorization request against its client: all that can be wrong whatever the session is (OpenID Connect Core
//! §3.1.2.2).

use super::{AuthorizationError, AuthorizationRequest, ResponseTarget, UnverifiedAuthorizationRequest};
use crate::acr;
use crate::client::{GrantType, RegisteredClient};
use crate::error::{ErrorCode, OAuthError};
use crate::grant;
use crate::id_token_hint::IdTokenHint;
use crate::resource::Resource;
use crate::server::AuthorizationServer;

/// An authorization request that is valid for its client. Only the session is missing for a decision.
#[derive(Clone, Debug)]
pub struct CheckedRequest<'a> {
    pub(super) target: ResponseTarget,
    pub(super) redirect_uri_sent: bool,
    pub(super) request: AuthorizationRequest,
    pub(super) audiences: Vec<Resource>,
    pub(super) hinted_subject: Option<String>,
    pub(super) client: RegisteredClient<'a>,
    pub(super) server: AuthorizationServer<'a>,
}

/// Checks a request against the client that it names. The client and its redirect URI come first: without them an error must
/// not be redirected (RFC 6749 §4.1.2.1). `now` is in seconds since the Unix epoch.
///
/// # Errors
/// [`AuthorizationError`] says whether the user or the client is told.
pub fn check<'a>(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'a>,
    server: AuthorizationServer<'a>,
    now: i64,
) -> Result<CheckedRequest<'a>, AuthorizationError> {
    let target = ResponseTarget::choose(request, &client, server.issuer)?;
    match check_parameters(request, client, server, now) {
        Ok((parameters, audiences, hinted_subject)) => Ok(CheckedRequest {
            target,
            redirect_uri_sent: request.redirect_uri.is_some(),
            request: parameters,
            audiences,
            hinted_subject,
            client,
            server,
        }),
        Err(error) => Err(target.error(error).into()),
    }
}

type Parameters = (AuthorizationRequest, Vec<Resource>, Option<String>);

/// Checks that the client may use the authorization endpoint, and that it pushed the request if it has to (RFC 9126 §5).
pub(super) fn check_way(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
) -> Result<(), OAuthError> {
    client.check_grant(GrantType::AuthorizationCode)?;
    if !request.is_pushed() && (server.requires_pushed_requests || client.requires_pushed_requests()) {
        return Err(ErrorCode::InvalidRequest
            .because("push the request to pushed_authorization_request_endpoint first (RFC 9126)"));
    }
    Ok(())
}

/// Everything that is wrong with a request whatever the session is. The first error is reported.
fn check_parameters(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<Parameters, OAuthError> {
    check_way(request, client, server)?;
    if client.metadata.require_signed_request_object && !request.is_signed() && !request.is_stored() {
        return Err(ErrorCode::InvalidRequest
            .because("send the request as a signed request object in the parameter request (RFC 9101)"));
    }
    let request = request.validate()?;
    if request.code_challenge.is_none() && client.requires_pkce() {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256"));
    }
    if request.prompt.create && !server.registers_users {
        return Err(
            ErrorCode::InvalidRequest.because("people cannot register here: prompt create is not supported")
        );
    }
    // Every session has this class. A request that needs another could not be met by a new sign-in.
    if request
        .claims
        .as_ref()
        .is_some_and(|claims| !claims.accepts_acr(acr::ONE_FACTOR))
    {
        return Err(ErrorCode::UnmetAuthenticationRequirements
            .because("claims asks for a class of authentication that is not available here"));
    }
    let registered = &client.metadata.authorization_details_types;
    server
        .detail_types
        .check(&request.authorization_details, registered)?;
    let audiences = grant::audiences(client, server.audiences, &request.resources)?;
    let hinted_subject = hinted_subject(&request, client, server, now)?;
    Ok((request, audiences, hinted_subject))
}

/// The `sub` of the `id_token_hint`. An expired hint is valid (OpenID Connect Core §3.1.2.1).
fn hinted_subject(
    request: &AuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<Option<String>, OAuthError> {
    let Some(hint) = &request.id_token_hint else {
        return Ok(None);
    };
    IdTokenHint::verify(hint, server, now)
        .verified()
        .filter(|claims| claims.aud == client.client_id)
        .map(|claims| Some(claims.sub))
        .ok_or_else(|| {
            ErrorCode::InvalidRequest.because("id_token_hint is not an ID token that this client got here")
        })
}

//! Pushed authorization requests: the request that a client sends to the server before it sends the browser (RFC 9126).

use schemars::JsonSchema;
use serde::Serialize;

use super::{AuthorizationError, PageError, UnverifiedAuthorizationRequest, check};
use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::params::Params;
use crate::server::AuthorizationServer;

/// The lifetime of a pushed request in seconds (RFC 9126 §2.2; FAPI 2.0 Security Profile §5.3.2.2 allows less than 600).
pub const PUSHED_REQUEST_SECONDS: u32 = 90;

/// The beginning of the request URI of a pushed request (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The maximum length of the reference in a request URI.
const MAX_REFERENCE_BYTES: usize = 128;

/// The parameters with which a client authenticates. They are no part of the authorization request.
const AUTHENTICATION: [&str; 4] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
];

/// The response to a pushed request (RFC 9126 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PushedResponse {
    /// The request URI, for one authorization request of the same client.
    pub request_uri: String,
    /// Its lifetime in seconds.
    pub expires_in: u32,
}

impl PushedResponse {
    /// The response for an unguessable reference.
    pub fn new(reference: &str) -> Self {
        Self {
            request_uri: format!("{PREFIX}{reference}"),
            expires_in: PUSHED_REQUEST_SECONDS,
        }
    }
}

/// The reference in the request URI of a pushed request. `None` for every other URI.
pub fn pushed_reference(request_uri: &str) -> Option<&str> {
    let reference = request_uri.strip_prefix(PREFIX)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!reference.is_empty() && reference.len() <= MAX_REFERENCE_BYTES && reference.bytes().all(plain))
        .then_some(reference)
}

/// The request in the form that the client `client_id` pushes, after it has authenticated (RFC 9126 §2.1). If it has a request
/// object (RFC 9126 §3), the caller opens that before it calls [`check_pushed`].
///
/// # Errors
/// `invalid_request` for a `request_uri`.
pub fn pushed_request(form: &Params, client_id: &str) -> Result<UnverifiedAuthorizationRequest, OAuthError> {
    if form.get("request_uri").is_some() {
        return Err(ErrorCode::InvalidRequest.because("request_uri must not be pushed"));
    }
    Ok(UnverifiedAuthorizationRequest::of(form.without(&AUTHENTICATION), client_id).pushed())
}

/// Checks a pushed request, in the way in which an authorization request is checked (RFC 9126 §2.1). `now` is in seconds since
/// the Unix epoch.
///
/// # Errors
/// The error response. No browser is there to be redirected, so each is one of the endpoint itself (RFC 9126 §2.3).
pub fn check_pushed(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<(), OAuthError> {
    // FAPI 2.0 Security Profile §5.3.2.2
    if client.metadata.is_fapi2() && request.redirect_uri.is_none() {
        return Err(ErrorCode::InvalidRequest.because("the parameter redirect_uri is missing"));
    }
    match check(request, client, server, now) {
        Ok(_) => Ok(()),
        Err(AuthorizationError::Redirect(error)) => Err(error.error().clone()),
        Err(AuthorizationError::Page(PageError::RedirectUri | PageError::NoRedirectUri)) => {
            Err(ErrorCode::InvalidRequest
                .because("redirect_uri is not registered for the client, or it is missing and several are"))
        }
        Err(AuthorizationError::Page(error)) => Err(ErrorCode::InvalidRequest.because(error.to_string())),
    }
}

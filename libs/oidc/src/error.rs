//! OAuth 2 error responses (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.6; RFC 8628 §3.5;
//! RFC 8707 §2; RFC 9101 §7).

use std::borrow::Cow;

use serde::Serialize;

/// An OAuth 2 error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// A parameter is missing, malformed or repeated.
    InvalidRequest,
    /// Client authentication failed.
    InvalidClient,
    /// The authorization code or the refresh token is invalid, or belongs to another client.
    InvalidGrant,
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// The grant type is not supported.
    UnsupportedGrantType,
    /// The response type is not supported.
    UnsupportedResponseType,
    /// The scope is malformed or exceeds what the client may have.
    InvalidScope,
    /// The resource is malformed or not allowed for the client (RFC 8707).
    InvalidTarget,
    /// The DPoP proof is missing or invalid (RFC 9449 §5).
    InvalidDpopProof,
    /// The DPoP proof needs a nonce of the server (RFC 9449 §8).
    UseDpopNonce,
    /// The token cannot be revoked (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// The person has not decided about the device yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device asks too often (RFC 8628 §3.5).
    SlowDown,
    /// The device code has expired (RFC 8628 §3.5).
    ExpiredToken,
    /// The user denied the request.
    AccessDenied,
    /// `prompt=none`, and the user has to authenticate.
    LoginRequired,
    /// `prompt=none`, and the user has to consent.
    ConsentRequired,
    /// `prompt=none`, and another interaction is required.
    InteractionRequired,
    /// The user cannot be authenticated in the way that is required (OpenID Connect Core Error Code
    /// `unmet_authentication_requirements` 1.0).
    UnmetAuthenticationRequirements,
    /// `request` is not supported.
    RequestNotSupported,
    /// `request_uri` is not supported.
    RequestUriNotSupported,
    /// `request_uri` names no request that may be used (RFC 9101 §7).
    InvalidRequestUri,
    /// `request` is no request object that can be accepted (RFC 9101 §7).
    InvalidRequestObject,
    /// `authorization_details` is malformed, or the client may not have it (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// `registration` is not supported.
    RegistrationNotSupported,
    /// A redirect URI cannot be registered (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// A member of the metadata is invalid or not supported (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The software statement is invalid (RFC 7591 §3.2.2).
    InvalidSoftwareStatement,
    /// The software statement is not approved (RFC 7591 §3.2.2).
    UnapprovedSoftwareStatement,
    /// The access token is invalid (RFC 6750 §3.1).
    InvalidToken,
    /// An internal error.
    ServerError,
    /// The server is temporarily unavailable.
    TemporarilyUnavailable,
}

/// An error response: the code, and a description for developers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error:?}: {error_description}")]
pub struct OAuthError {
    /// The error code.
    pub error: ErrorCode,
    /// The description: ASCII without quotes and backslashes (RFC 6749 §5.2), never a value from the request.
    pub error_description: Cow<'static, str>,
}

impl ErrorCode {
    /// The code as it is sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidToken => "invalid_token",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status of an error response that is not a redirect (RFC 6749 §5.2).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }

    /// An error with this code and a description.
    pub fn because(self, description: impl Into<Cow<'static, str>>) -> OAuthError {
        let description = description.into();
        // A parameter's name may be the caller's own text.
        let plain = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let error_description = if description.bytes().all(plain) {
            description
        } else {
            description
                .chars()
                .map(|char| {
                    if u8::try_from(char).is_ok_and(plain) {
                        char
                    } else {
                        '?'
                    }
                })
                .collect::<String>()
                .into()
        };
        OAuthError {
            error: self,
            error_description,
        }
    }
}

impl From<crate::params::ParamsError> for OAuthError {
    fn from(error: crate::params::ParamsError) -> Self {
        ErrorCode::InvalidRequest.because(error.to_string())
    }
}

impl From<crate::dpop::DpopError> for OAuthError {
    fn from(error: crate::dpop::DpopError) -> Self {
        let code = match error {
            crate::dpop::DpopError::Nonce => ErrorCode::UseDpopNonce,
            _ => ErrorCode::InvalidDpopProof,
        };
        code.because(error.to_string())
    }
}

impl From<crate::scope::ScopeError> for OAuthError {
    fn from(error: crate::scope::ScopeError) -> Self {
        ErrorCode::InvalidScope.because(error.to_string())
    }
}

impl From<crate::resource::ResourceError> for OAuthError {
    fn from(error: crate::resource::ResourceError) -> Self {
        ErrorCode::InvalidTarget.because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_as_the_standard_says() {
        let error = ErrorCode::InvalidRequest.because("the parameter \"x\"\r\n is there twice");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"error":"invalid_request","error_description":"the parameter ?x??? is there twice"}"#
        );
        assert_eq!(ErrorCode::InvalidClient.status(), 401);
    }
}

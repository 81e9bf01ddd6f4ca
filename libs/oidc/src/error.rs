//! OAuth 2 error responses (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.6; RFC 8707 §2).

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
    /// The user denied the request.
    AccessDenied,
    /// `prompt=none`, and the user has to authenticate.
    LoginRequired,
    /// `prompt=none`, and the user has to consent.
    ConsentRequired,
    /// `prompt=none`, and another interaction is required.
    InteractionRequired,
    /// `request` is not supported.
    RequestNotSupported,
    /// `request_uri` is not supported.
    RequestUriNotSupported,
    /// `registration` is not supported.
    RegistrationNotSupported,
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
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status of an error response that is not a redirect (RFC 6749 §5.2).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
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

//! Errors as OAuth 2 tells them (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.6; RFC 8707 §2).

use std::borrow::Cow;

use serde::Serialize;

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// A parameter is missing, malformed or there twice.
    InvalidRequest,
    /// Client authentication failed.
    InvalidClient,
    /// The code or the refresh token is not good, or not this client's.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// There is no such grant here.
    UnsupportedGrantType,
    /// There is no such response type here.
    UnsupportedResponseType,
    /// The scope is malformed or more than the client may have.
    InvalidScope,
    /// The resource is malformed or not one that the client may reach (RFC 8707).
    InvalidTarget,
    /// The person refused.
    AccessDenied,
    /// `prompt=none`, and the person has to sign in.
    LoginRequired,
    /// `prompt=none`, and the person has to agree.
    ConsentRequired,
    /// `prompt=none`, and the person has to do something else.
    InteractionRequired,
    /// `request` is not supported.
    RequestNotSupported,
    /// `request_uri` is not supported.
    RequestUriNotSupported,
    /// `registration` is not supported.
    RegistrationNotSupported,
    /// Something failed here.
    ServerError,
    /// Come back later.
    TemporarilyUnavailable,
}

/// An error for the client: its kind, and a sentence for the developer who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error:?}: {error_description}")]
pub struct OAuthError {
    /// The kind.
    pub error: ErrorCode,
    /// The sentence: ASCII without quotes and backslashes (RFC 6749 §5.2), never a value that was sent.
    pub error_description: Cow<'static, str>,
}

impl ErrorCode {
    /// The name as it is sent.
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

    /// The HTTP status of an answer that is not a redirect (RFC 6749 §5.2).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }

    /// An error of this kind.
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

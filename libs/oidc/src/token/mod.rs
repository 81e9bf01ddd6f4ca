//! `POST /oauth2/token`: token request and response (RFC 6749 §4.1.3–4, §4.4, §5.1, §6, RFC 8628 §3.4,
//! RFC 8693).

#[cfg(test)]
mod tests;

use std::fmt;

use secrecy::SecretString;
use serde::Serialize;

use crate::authorization_details::AuthorizationDetails;
use crate::client::GrantType;
use crate::error::{ErrorCode, OAuthError};
use crate::exchange::ExchangeRequest;
use crate::params::Params;
use crate::pkce::CodeVerifier;
use crate::resource::Resource;
use crate::scope::Scope;

/// Parameters that may be repeated in a token request (RFC 8707 §2.2, RFC 8693 §2.1).
pub const REPEATABLE: &[&str] = &["resource", "audience"];

/// A token request, by grant type.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// `authorization_code`.
    AuthorizationCode {
        /// The code.
        code: SecretString,
        /// `redirect_uri` of the authorization request.
        redirect_uri: Option<String>,
        /// The PKCE verifier.
        code_verifier: Option<CodeVerifier>,
        /// `resource`: a subset of the services that the code is for.
        resources: Vec<Resource>,
    },
    /// `refresh_token`.
    RefreshToken {
        /// The refresh token.
        refresh_token: SecretString,
        /// A subset of the granted scope.
        scope: Option<Scope>,
        /// `resource`: a subset of the granted services.
        resources: Vec<Resource>,
    },
    /// `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4).
    DeviceCode {
        /// The device code.
        device_code: SecretString,
        /// `resource`: a subset of the services that the code is for.
        resources: Vec<Resource>,
    },
    /// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 §2.1).
    TokenExchange(ExchangeRequest),
    /// `client_credentials`: a token for the client itself.
    ClientCredentials {
        /// The requested scope; without it, all that the client may have.
        scope: Option<Scope>,
        /// `resource`; without it, all services that the client may reach.
        resources: Vec<Resource>,
    },
}

impl TokenRequest {
    /// The grant type of the request.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::TokenExchange(_) => GrantType::TokenExchange,
        }
    }

    /// Parses the form.
    ///
    /// # Errors
    /// The error response.
    pub fn parse(form: &Params) -> Result<Self, OAuthError> {
        let missing =
            |name: &str| ErrorCode::InvalidRequest.because(format!("the parameter {name} is missing"));
        let resources = form
            .all("resource")
            .map(Resource::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let scope = form.get("scope").map(str::parse).transpose()?;
        let secret = |name: &str| {
            form.get(name)
                .map(|value| SecretString::from(value.to_owned()))
                .ok_or_else(|| missing(name))
        };
        let grant_type = form.get("grant_type").ok_or_else(|| missing("grant_type"))?;
        let known = GrantType::ALL
            .into_iter()
            .find(|grant| grant.name() == grant_type);
        match known.ok_or_else(unsupported_grant_type)? {
            GrantType::AuthorizationCode => {
                let code_verifier = match form.get("code_verifier").map(CodeVerifier::parse) {
                    Some(None) => {
                        return Err(ErrorCode::InvalidGrant
                            .because("code_verifier must be 43 to 128 unreserved characters"));
                    }
                    verifier => verifier.flatten(),
                };
                Ok(Self::AuthorizationCode {
                    code: secret("code")?,
                    redirect_uri: form.get("redirect_uri").map(str::to_owned),
                    code_verifier,
                    resources,
                })
            }
            GrantType::RefreshToken => Ok(Self::RefreshToken {
                refresh_token: secret("refresh_token")?,
                scope,
                resources,
            }),
            GrantType::ClientCredentials => Ok(Self::ClientCredentials { scope, resources }),
            GrantType::TokenExchange => Ok(Self::TokenExchange(ExchangeRequest::parse(form)?)),
            GrantType::DeviceCode => Ok(Self::DeviceCode {
                device_code: secret("device_code")?,
                resources,
            }),
        }
    }
}

fn unsupported_grant_type() -> OAuthError {
    let names = GrantType::ALL.map(GrantType::name).join(", ");
    ErrorCode::UnsupportedGrantType.because(format!("grant_type must be one of {names}"))
}

/// The token response (RFC 6749 §5.1).
#[derive(Serialize, schemars::JsonSchema)]
pub struct TokenResponse {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// `Bearer`, or `DPoP` for a token that is bound to a key (RFC 9449 §5).
    pub token_type: &'static str,
    /// The lifetime of the access token in seconds.
    pub expires_in: u32,
    /// The granted scope.
    #[schemars(with = "String")]
    pub scope: Scope,
    /// The refresh token, if the client may have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, if `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The type of the token that was exchanged for another (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// The authorization details of the access token (RFC 9396 §7).
    #[serde(skip_serializing_if = "AuthorizationDetails::is_empty")]
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub authorization_details: AuthorizationDetails,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

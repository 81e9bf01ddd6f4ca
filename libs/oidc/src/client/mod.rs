//! Client metadata (RFC 7591 §2): what a client is registered with, in the configuration, over HTTP and in the store.

mod extended;
mod registered;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Deserializer, Serialize};

pub use extended::{deserialize_extended, extended_members, extended_schema};
pub use registered::RegisteredClient;

use crate::jose::Algorithm;
use crate::redirect_uri::RedirectUri;
use crate::resource::Resource;
use crate::scope::Scope;

/// A grant type (RFC 7591 §2). There is no implicit and no password grant (SB-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// The authorization code grant (RFC 6749 §4.1).
    AuthorizationCode,
    /// The refresh token grant (RFC 6749 §6).
    RefreshToken,
    /// The client credentials grant (RFC 6749 §4.4).
    ClientCredentials,
}

impl GrantType {
    /// The value of `grant_type` in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// Parses the value of `grant_type`. The error lists the values that there are.
impl FromStr for GrantType {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// A client authentication method (RFC 6749 §2.3, RFC 7591 §2 `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// The secret is sent in the `Authorization` header (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// The secret is sent in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// There is no secret: a public client in a browser or on a phone (RFC 6749 §2.1).
    None,
}

/// Parses the value of `token_endpoint_auth_method`. The error lists the values that there are.
impl FromStr for AuthMethod {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// The algorithms that an ID token may be signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IdTokenAlgorithm {
    /// RSA. Every client library supports it.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA. It is smaller and ten times cheaper to sign.
    #[serde(rename = "ES256")]
    Es256,
}

impl From<IdTokenAlgorithm> for Algorithm {
    fn from(algorithm: IdTokenAlgorithm) -> Self {
        match algorithm {
            IdTokenAlgorithm::Rs256 => Self::Rs256,
            IdTokenAlgorithm::Es256 => Self::Es256,
        }
    }
}

/// The metadata of a client, with the names of RFC 7591 §2, of OpenID Connect RP-Initiated Logout 1.0 §3.1
/// (`post_logout_redirect_uris`), and two of our own. What is left out, or null, has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientMetadata {
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The URIs to which codes may be sent: matched exactly, the port of a loopback address excepted.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub redirect_uris: Vec<RedirectUri>,
    /// The URIs to which a person may be sent after signing out: matched exactly.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The grants that it may use: `authorization_code` and `refresh_token` by default.
    #[serde(default = "default_grant_types", deserialize_with = "grant_types")]
    pub grant_types: BTreeSet<GrantType>,
    /// The scopes that it may ask for, between spaces: `openid profile email groups offline_access` by default.
    #[serde(default = "default_scope", deserialize_with = "scope")]
    #[schemars(with = "String")]
    pub scope: Scope,
    /// The method with which it authenticates at the token endpoint.
    #[serde(default, deserialize_with = "null_is_default")]
    pub token_endpoint_auth_method: AuthMethod,
    /// The algorithm that its ID tokens are signed with.
    #[serde(default, deserialize_with = "null_is_default")]
    pub id_token_signed_response_alg: IdTokenAlgorithm,
    /// The services that it may get tokens for (RFC 8707). Empty: `auth` and `users`.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub audiences: Vec<Resource>,
    /// True if a code needs a proof key (RFC 7636). A public client always needs one.
    #[serde(default = "default_require_pkce", deserialize_with = "require_pkce")]
    pub require_pkce: bool,
}

fn default_grant_types() -> BTreeSet<GrantType> {
    [GrantType::AuthorizationCode, GrantType::RefreshToken].into()
}

fn default_scope() -> Scope {
    Scope::of(["openid", "profile", "email", "groups", "offline_access"]).unwrap_or_default()
}

const fn default_require_pkce() -> bool {
    true
}

/// Null stands for a member that is left out, as in RFC 7592 §2.2.
fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn grant_types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<GrantType>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_grant_types))
}

fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_scope))
}

fn require_pkce<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_require_pkce))
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            client_name: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: default_grant_types(),
            scope: default_scope(),
            token_endpoint_auth_method: AuthMethod::default(),
            id_token_signed_response_alg: IdTokenAlgorithm::default(),
            audiences: Vec::new(),
            require_pkce: default_require_pkce(),
        }
    }
}

/// A member of the metadata that cannot be accepted (`invalid_client_metadata`, RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidMetadata {
    /// The member.
    pub field: &'static str,
    /// The problem with it.
    pub detail: &'static str,
}

impl ClientMetadata {
    /// Checks that the members fit together.
    ///
    /// # Errors
    /// The first invalid member.
    pub fn check(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        let has = |grant| self.grant_types.contains(&grant);
        if self.client_name.as_ref().is_some_and(|name| {
            name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control)
        }) {
            return refuse("client_name", "expected 1 to 100 printable characters");
        }
        if self.grant_types.is_empty() {
            return refuse("grant_types", "expected one at least");
        }
        if self.redirect_uris.len() > 100 {
            return refuse("redirect_uris", "expected 100 at most");
        }
        if self.post_logout_redirect_uris.len() > 100 {
            return refuse("post_logout_redirect_uris", "expected 100 at most");
        }
        if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return refuse("redirect_uris", "the grant authorization_code needs one at least");
        }
        if has(GrantType::ClientCredentials) && self.is_public() {
            return refuse(
                "token_endpoint_auth_method",
                "the grant client_credentials needs a secret",
            );
        }
        if self.is_public() && !self.require_pkce {
            return refuse("require_pkce", "a client without a secret needs PKCE");
        }
        Ok(())
    }

    /// True if the client is public (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }
}

//! Values of client metadata that come from a registry or a list: grant types, methods of authentication, formats of access tokens,
//! types of subject identifiers.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};

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
    /// The device code grant (RFC 8628 §3.4).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// Token exchange (RFC 8693 §2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The value of `grant_type` in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The last part of its name, for metrics.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::DeviceCode => "device_code",
            Self::TokenExchange => "token_exchange",
            other => other.name(),
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
    /// The client signs an assertion with a key of its own (OpenID Connect Core §9, RFC 7523 §2.2).
    PrivateKeyJwt,
    /// The client presents a certificate of a trusted authority (RFC 8705 §2.1).
    TlsClientAuth,
    /// The client presents a certificate of its own key set (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// There is no secret: a public client in a browser or on a phone (RFC 6749 §2.1).
    None,
}

impl AuthMethod {
    /// All methods, as server metadata lists them (RFC 8414 §2).
    pub const ALL: [Self; 6] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// The value of `token_endpoint_auth_method`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }

    /// True if the client authenticates with a secret that this server gives it.
    pub const fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// True if the client authenticates with a certificate in the TLS handshake (RFC 8705 §2).
    pub const fn uses_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

/// Parses the value of `token_endpoint_auth_method`. The error lists the values that there are.
impl FromStr for AuthMethod {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// The format of access tokens, a member of our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// A JWT (RFC 9068), which resource servers verify by themselves.
    #[default]
    Jwt,
    /// A token that only this server can read: resource servers introspect it (RFC 7662).
    Opaque,
}

/// The type of the subject identifiers of a client (`subject_type`, OpenID Connect Registration §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The id of the user.
    #[default]
    Public,
    /// An identifier of the user for the sector of the client.
    Pairwise,
}

impl SubjectType {
    /// Every type, as the metadata of the server list them.
    pub const ALL: [Self; 2] = [Self::Public, Self::Pairwise];

    /// The value of `subject_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}

/// Parses the value of `subject_type`. The error lists the values that there are.
impl FromStr for SubjectType {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

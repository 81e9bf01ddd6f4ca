//! The issuer: its URL, the audiences of its tokens, and its metadata (OpenID Connect Discovery §3, RFC 8414
//! §2).

use bytes::Bytes;
use chassis::clock::SKEW;
use chassis::http::PublicUrl;
use contract::paths::auth::{AUTHORIZE, END_SESSION, JWKS, REVOKE, TOKEN, USERINFO};
use oidc::discovery::{EndpointPaths, ProviderMetadata};
use oidc::jose::KeySet;
use oidc::resource::{Resource, ResourceError};
use oidc::server::AuthorizationServer;

use super::model::PRIVILEGED_SCOPES;

const ENDPOINTS: EndpointPaths = EndpointPaths {
    authorization: AUTHORIZE,
    token: TOKEN,
    userinfo: USERINFO,
    jwks: JWKS,
    revocation: REVOKE,
    end_session: END_SESSION,
};

/// The issuer of all tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    audiences: Vec<Resource>,
    users: Resource,
    metadata: Bytes,
}

/// A URL of the settings cannot be an issuer or a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The issuer's URL.
    #[error("issuer: {0}")]
    Issuer(ResourceError),
    /// The metadata cannot be serialized.
    #[error("issuer: the metadata cannot be written")]
    Metadata,
    /// The user service's URL.
    #[error("users.url: {0}")]
    Users(ResourceError),
}

impl Issuer {
    /// The issuer at `issuer`. `users` is the URL of the user service.
    ///
    /// # Errors
    /// [`IssuerError`] names the key.
    pub fn new(issuer: &PublicUrl, users: &PublicUrl) -> Result<Self, IssuerError> {
        let url = issuer.as_str().to_owned();
        let users = Resource::parse(users.as_str()).map_err(IssuerError::Users)?;
        let own = Resource::parse(&url).map_err(IssuerError::Issuer)?;
        let metadata =
            serde_json::to_vec(&ProviderMetadata::of(&url, ENDPOINTS)).map_err(|_| IssuerError::Metadata)?;
        Ok(Self {
            url,
            audiences: vec![own, users.clone()],
            users,
            metadata: metadata.into(),
        })
    }

    /// `iss`: the URL without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The audiences of tokens for clients that are not registered for others.
    pub fn audiences(&self) -> &[Resource] {
        &self.audiences
    }

    /// The user service as an audience.
    pub fn users(&self) -> &Resource {
        &self.users
    }

    /// The authorization server as the protocol sees it. `hint_keys` verify an `id_token_hint`.
    pub fn server<'a>(&'a self, hint_keys: &'a KeySet) -> AuthorizationServer<'a> {
        AuthorizationServer {
            issuer: &self.url,
            audiences: &self.audiences,
            privileged_scopes: PRIVILEGED_SCOPES,
            hint_keys,
            clock_skew: i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// The discovery document, as JSON.
    pub fn metadata(&self) -> Bytes {
        self.metadata.clone()
    }
}

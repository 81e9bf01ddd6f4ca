//! Who this server is to clients: its name, the services that tokens are for, and the document that says so.

use bytes::Bytes;
use oidc::discovery::Metadata;
use oidc::resource::{Resource, ResourceError};
use url::Url;

use crate::config::Settings;

/// The issuer of all tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    audiences: Vec<Resource>,
    users: Resource,
    metadata: Bytes,
}

/// The issuer's or the user service's URL cannot name them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// RFC 8414 §2: no query and no fragment; `https`, or `http` on this machine.
    #[error("issuer: expected https://HOST, or http://localhost for a test, without a query and a fragment")]
    Issuer,
    /// The user service's URL.
    #[error("users.url: {0}")]
    Users(ResourceError),
}

impl Issuer {
    /// As the settings say.
    ///
    /// # Errors
    /// [`IssuerError`] names the key.
    pub fn of(settings: &Settings) -> Result<Self, IssuerError> {
        let url = &settings.issuer;
        if url.query().is_some() || url.fragment().is_some() || !matches!(url.scheme(), "https" | "http") {
            return Err(IssuerError::Issuer);
        }
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        let url = bare(url);
        let users = Resource::parse(&bare(&settings.users.url)).map_err(IssuerError::Users)?;
        let own = Resource::parse(&url).map_err(|_| IssuerError::Issuer)?;
        let metadata = serde_json::to_vec(&Metadata::of(&url)).map_err(|_| IssuerError::Issuer)?;
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

    /// The services that tokens are for unless a client is registered for others.
    pub fn audiences(&self) -> &[Resource] {
        &self.audiences
    }

    /// The user service, as tokens name it.
    pub fn users(&self) -> &Resource {
        &self.users
    }

    /// The discovery document, as JSON.
    pub fn metadata(&self) -> Bytes {
        self.metadata.clone()
    }
}

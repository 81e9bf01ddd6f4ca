//! Who this server is to clients: its name, the services that tokens are for, and the document that says so.

use crate::config::Settings;
use bytes::Bytes;
use oidc::discovery::Metadata;
use oidc::resource::{Resource, ResourceError};

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
    /// The issuer's URL.
    #[error("issuer: {0}")]
    Issuer(ResourceError),
    /// The document cannot be written.
    #[error("issuer: the metadata cannot be written")]
    Metadata,
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
        let url = settings.issuer.as_str().to_owned();
        let users = Resource::parse(settings.users.url.as_str()).map_err(IssuerError::Users)?;
        let own = Resource::parse(&url).map_err(IssuerError::Issuer)?;
        let metadata = serde_json::to_vec(&Metadata::of(&url)).map_err(|_| IssuerError::Metadata)?;
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

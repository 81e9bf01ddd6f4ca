//! Resource indicators: the services that a token is for (RFC 8707).

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use url::Url;

/// A resource: an absolute URI without a fragment that identifies a service, as in a token's `aud`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource(String);

/// The text is not an absolute URI without a fragment (RFC 8707 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource is an absolute URI of at most 500 characters without a fragment")]
pub struct ResourceError;

impl Resource {
    /// Parses a resource as sent.
    ///
    /// # Errors
    /// [`ResourceError`].
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        let printable = text.len() <= 500 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || text.contains('#') || Url::parse(text).is_err() {
            return Err(ResourceError);
        }
        // A path of a single slash is the same resource, because browsers and libraries add it.
        let bare = text.strip_suffix('/').unwrap_or(text);
        let is_origin = bare
            .split_once("://")
            .is_some_and(|(_, rest)| !rest.contains('/'));
        Ok(Self(if is_origin { bare } else { text }.to_owned()))
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Resource {
    type Error = ResourceError;

    fn try_from(text: String) -> Result<Self, ResourceError> {
        Self::parse(&text)
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0
    }
}

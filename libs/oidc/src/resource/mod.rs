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
        Ok(Self(text.to_owned()))
    }

    /// The URI, as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if `uri` names the same resource: the same text (RFC 3986 §6.2.1), but for the slash of an empty path, which browsers
    /// and libraries add (§6.2.3, `docs/decisions/0075-resource-indicators.md`).
    pub fn matches(&self, uri: &str) -> bool {
        without_empty_path(&self.0) == without_empty_path(uri)
    }

    /// The resource of `registered` that this one names, in its registered form: the same text before the same resource.
    pub fn find_in<'a>(&self, registered: &'a [Self]) -> Option<&'a Self> {
        let is_same = |other: &&Self| self.matches(&other.0);
        registered
            .iter()
            .find(|other| *other == self)
            .or_else(|| registered.iter().find(is_same))
    }

    /// True if `uri` names the resource, or something below it.
    pub(crate) fn contains(&self, uri: &str) -> bool {
        let prefix = without_empty_path(&self.0);
        uri.strip_prefix(prefix)
            .is_some_and(|below| below.is_empty() || below.starts_with(['/', '?']) || prefix.ends_with('/'))
    }
}

/// The URI, without the slash behind an authority that ends it.
fn without_empty_path(uri: &str) -> &str {
    match uri.strip_suffix('/') {
        Some(bare) if is_origin(bare) => bare,
        _ => uri,
    }
}

fn is_origin(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(_, authority)| !authority.contains(['/', '?']))
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

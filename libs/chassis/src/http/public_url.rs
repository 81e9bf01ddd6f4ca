//! Public URL of a service: its issuer (OpenID Connect Discovery §3) and its audience (RFC 8707).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};
use url::{Host, Url};

/// The maximum length of a path in bytes, because it becomes part of cookie names.
const MAX_PATH_BYTES: usize = 100;

/// A public URL: `https://id.example.org` or `https://example.org/idp`. It has an origin and an optional path, without a
/// slash at the end, a query, a fragment or a user. The host is in lower case, so that derived values compare exactly.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    /// The URL without a slash at its end.
    text: String,
}

/// The text is not a valid public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// The scheme is not https or http, or there is no host.
    #[error("expected an https:// or http:// URL")]
    Scheme,
    /// The URL has more than an origin and a path.
    #[error("expected a URL without a user, a query and a fragment")]
    Parts,
    /// The path has characters that a cookie name, a proxy rule or a link could not hold unchanged.
    #[error(
        "expected a path of letters, digits and . _ ~ - between single slashes, of at most {MAX_PATH_BYTES} characters"
    )]
    Path,
}

impl PublicUrl {
    /// Parses a URL as the operator wrote it.
    ///
    /// # Errors
    /// [`PublicUrlError`] with the expectation.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| PublicUrlError::Scheme)?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(PublicUrlError::Scheme);
        }
        let user = !url.username().is_empty() || url.password().is_some();
        if user || url.query().is_some() || url.fragment().is_some() {
            return Err(PublicUrlError::Parts);
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path()).to_owned();
        let plain = path.split('/').skip(1).all(|segment| {
            let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
            !segment.is_empty() && segment.bytes().all(unreserved)
        });
        if !plain || path.len() > MAX_PATH_BYTES {
            return Err(PublicUrlError::Path);
        }
        url.set_path(&path);
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The URL without a slash at its end, as in `iss` and `aud`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL, with a slash at its end when it has no path.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, unless it is the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.url.port()
    }

    /// The origin, as browsers send it in `Origin`: `https://example.org`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The path without a slash at its end: `/idp`, or empty.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// A path of the service, such as `/login`, for links and redirects within its origin: `/idp/login`.
    pub fn local(&self, path: &str) -> String {
        format!("{}{path}", self.path())
    }

    /// A path of the service, such as `/setup`, as an absolute URL: `https://example.org/idp/setup`.
    pub fn full(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// True if it is `https`.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// True if it can be reached only from this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

/// True if a URL leads to this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for PublicUrl {
    fn schema_name() -> Cow<'static, str> {
        Url::schema_name()
    }

    fn inline_schema() -> bool {
        Url::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Url::json_schema(generator)
    }
}

//! URLs on the web that a client registers for this server to read, such as `jwks_uri` (RFC 7591 §2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// An absolute URL with `https`, or with `http` for a network that the operator allows, without credentials and fragment. The
/// policy for outbound calls decides whether it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUri {
    /// The text of the registration, which responses repeat.
    text: String,
    url: Url,
}

/// The text is no such URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an https URL of at most 2000 ASCII characters, without a user name, a password and a fragment"
)]
pub struct WebUriError;

impl WebUri {
    /// The URL.
    pub fn as_url(&self) -> &Url {
        &self.url
    }

    /// The URL as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for WebUri {
    type Err = WebUriError;

    fn from_str(text: &str) -> Result<Self, WebUriError> {
        if text.len() > 2000 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WebUriError);
        }
        let url = Url::parse(text).map_err(|_| WebUriError)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if matches!(url.scheme(), "https" | "http") && url.has_host() && plain {
            Ok(Self {
                text: text.to_owned(),
                url,
            })
        } else {
            Err(WebUriError)
        }
    }
}

impl TryFrom<String> for WebUri {
    type Error = WebUriError;

    fn try_from(text: String) -> Result<Self, WebUriError> {
        text.parse()
    }
}

impl From<WebUri> for String {
    fn from(uri: WebUri) -> Self {
        uri.text
    }
}

impl fmt::Display for WebUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! URLs of request objects that a client registers in `request_uris` (OpenID Connect Registration §2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::web_uri::{WebUri, WebUriError};

/// A URL of a request object, which may have a fragment (OpenID Connect Core §6.2). The fragment names a version of the document and
/// is not sent to its server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestUri {
    /// As it was registered.
    text: String,
    document: WebUri,
}

impl RequestUri {
    /// The URL of the document, without the fragment.
    pub fn document(&self) -> &WebUri {
        &self.document
    }

    /// True if `sent`, the parameter of an authorization request, names this document, whatever its version.
    pub fn names(&self, sent: &str) -> bool {
        without_fragment(sent) == self.document.as_str()
    }
}

fn without_fragment(text: &str) -> &str {
    text.split_once('#').map_or(text, |(document, _)| document)
}

impl FromStr for RequestUri {
    type Err = WebUriError;

    fn from_str(text: &str) -> Result<Self, WebUriError> {
        // RFC 9101 §5.2: request URIs are short and ASCII.
        if text.len() > 512 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WebUriError);
        }
        Ok(Self {
            document: without_fragment(text).parse()?,
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for RequestUri {
    type Error = WebUriError;

    fn try_from(text: String) -> Result<Self, WebUriError> {
        text.parse()
    }
}

impl From<RequestUri> for String {
    fn from(uri: RequestUri) -> Self {
        uri.text
    }
}

impl fmt::Display for RequestUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

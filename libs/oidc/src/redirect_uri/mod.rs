//! Redirect URIs: their registration and matching (RFC 9700 §2.1, RFC 8252 §7).

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A registered redirect URI. It is stored as written, because it is compared character by character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// A redirect URI may not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectUriError {
    /// It is not an absolute URI of at most 2,000 printable ASCII characters.
    #[error("must be an absolute URI of at most 2000 ASCII characters")]
    Malformed,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("must have no fragment")]
    Fragment,
    /// It has a user name or a password.
    #[error("must have no user name and no password")]
    Credentials,
    /// It is plain `http` to another machine, or its scheme is neither `https` nor a private-use one with a dot (RFC 8252
    /// §7.1).
    #[error(
        "must be https, http to this machine (127.0.0.1, [::1], localhost), or a private scheme with a dot such as \
         com.example.app"
    )]
    Scheme,
}

impl RedirectUri {
    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if `requested` matches: the same characters, except that the port of a loopback address is free
    /// (RFC 8252 §7.3). Names, `localhost` too, are not loopback addresses.
    pub fn matches(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        ["http://127.0.0.1", "http://[::1]"].into_iter().any(|loopback| {
            let registered = self.0.strip_prefix(loopback).and_then(without_port);
            let requested = requested.strip_prefix(loopback).and_then(without_port);
            registered.is_some() && registered == requested
        })
    }

    /// True if it is the URL of a web page, and not of a private scheme.
    pub fn is_web(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The origin of a web page (RFC 6454 §4), such as `https://app.example`.
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok().filter(|_| self.is_web())?;
        Some(url.origin().ascii_serialization())
    }

    /// True if its host is an IP address or has the characters of a DNS name alone. RFC 3986 §3.2.2 allows others, which have a
    /// meaning in headers.
    pub fn has_plain_host(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_plain_host(&url))
    }

    /// True if both are web pages of the same scheme, host and port.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        let origin = self.origin();
        origin.is_some() && origin == other.origin()
    }

    /// True if a program on the device of the user receives the response: at a loopback address or by a private scheme (RFC 8252
    /// §7.1, §7.3). Any program there can register for it.
    pub fn is_of_native_app(uri: &str) -> bool {
        !uri.starts_with("https://")
    }

    /// Appends `parameters`, which are form-encoded, to the query of `uri`.
    pub fn with_query(uri: &str, parameters: &str) -> String {
        let separator = match uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some((_, query)) if query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{uri}{separator}{parameters}")
    }
}

/// The rest after the authority, if the authority ends here or after a port.
fn without_port(rest: &str) -> Option<&str> {
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let (port, after) = port.split_at(digits);
            port.parse::<u16>().ok()?;
            after
        }
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some(rest)
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Browsers interpret backslashes and spaces differently; RFC 3986 allows neither.
        let allowed = |byte: u8| {
            byte.is_ascii_graphic()
                && !matches!(
                    byte,
                    b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
                )
        };
        if text.len() > 2000 || !text.bytes().all(allowed) {
            return Err(RedirectUriError::Malformed);
        }
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::Credentials);
        }
        let scheme_as_written = text.split(':').next().unwrap_or_default();
        let permitted = match scheme_as_written {
            "https" => text.starts_with("https://") && url.host().is_some(),
            "http" => text.starts_with("http://") && is_this_machine(&url),
            private => private.contains('.'),
        };
        if permitted {
            Ok(Self(text.to_owned()))
        } else {
            Err(RedirectUriError::Scheme)
        }
    }
}

/// True if the host of a URL is an IP address or has the characters of a DNS name alone.
pub fn is_plain_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        Some(Host::Domain(name)) => name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
        None => false,
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

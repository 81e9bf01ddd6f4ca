//! The origin of a protected host (RFC 6454 §4).

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The longest host with a port.
const MAX_HOST: usize = 253 + 6;

/// The origin of a protected host, such as `https://wiki.example.org` or `https://wiki.example.org:8443`. It is normalized: the host is
/// in lower case, and the port of the scheme is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    secure: bool,
    host: String,
    port: Option<u16>,
}

/// The reason why a text is not the origin of a protected host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is not a scheme with a host.
    #[error(
        "expected a host such as wiki.example.org, with a port if it is not the usual one, and without a path"
    )]
    Syntax,
    /// It is http and not on this machine.
    #[error("expected https: cookies of a host without encryption can be read and replaced on the way")]
    Insecure,
}

impl Origin {
    /// The origin of a scheme and a host with an optional port, as they stand in headers.
    ///
    /// # Errors
    /// [`OriginError::Syntax`].
    pub fn from_parts(scheme: &str, host: &str) -> Result<Self, OriginError> {
        // The URL parser drops tabs and reads backslashes, percent-encoding and users, so that only plain hosts may reach it.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let secure = match scheme.to_ascii_lowercase().as_str() {
            // A proxy may name the scheme of a WebSocket.
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(OriginError::Syntax),
        };
        if host.is_empty() || host.len() > MAX_HOST || !host.bytes().all(plain) {
            return Err(OriginError::Syntax);
        }
        let scheme = if secure { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}/")).map_err(|_| OriginError::Syntax)?;
        Ok(Self {
            secure,
            host: url.host_str().ok_or(OriginError::Syntax)?.to_owned(),
            port: url.port(),
        })
    }

    /// The origin that an administrator registers: a host, or `https://` and a host. A host of this machine may have `http`.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, host) = text.trim().split_once("://").unwrap_or(("https", text.trim()));
        let host = host.strip_suffix('/').unwrap_or(host);
        if !matches!(scheme, "https" | "http") {
            return Err(OriginError::Syntax);
        }
        // An international name is registered by its letters, and comes in its encoded form (RFC 5890 §2.3.2.1).
        let host = match host.is_ascii() {
            true => host.to_owned(),
            false => {
                let (name, port) = match host.rsplit_once(':') {
                    Some((name, port)) => (name, format!(":{port}")),
                    None => (host, String::new()),
                };
                match Host::parse(name) {
                    Ok(Host::Domain(name)) => format!("{name}{port}"),
                    _ => return Err(OriginError::Syntax),
                }
            }
        };
        let origin = Self::from_parts(scheme, &host)?;
        match origin.secure || origin.is_loopback() {
            true => Ok(origin),
            false => Err(OriginError::Insecure),
        }
    }

    /// True if it is `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host without its port.
    pub fn host_name(&self) -> &str {
        &self.host
    }

    /// The port, unless it is that of the scheme.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host with its port, unless it is that of the scheme: `wiki.example.org:8443`.
    pub fn host(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn is_loopback(&self) -> bool {
        match Host::parse(&self.host) {
            Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Ok(Host::Ipv4(ip)) => ip.is_loopback(),
            Ok(Host::Ipv6(ip)) => ip.is_loopback(),
            Err(_) => false,
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host())
    }
}

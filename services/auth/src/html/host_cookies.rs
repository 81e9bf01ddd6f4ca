//! The cookies of a protected host. They belong to the host alone: their names begin with `__Host-` (RFC 6265bis §4.1.3.2), and no
//! parent domain gets them (SB-14).

use std::time::Duration;

use chassis::secret::Token;
use forward_auth::Origin;
use http::{HeaderMap, HeaderValue};

use super::cookies;

/// The purpose of a cookie at a protected host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostCookie {
    /// The session at the host.
    Session,
    /// An unguessable value of this browser, which a ticket is bound to.
    Nonce,
}

impl HostCookie {
    fn stem(self) -> &'static str {
        match self {
            Self::Session => "vestibule-host",
            Self::Nonce => "vestibule-host-nonce",
        }
    }

    /// The name at a host. Browsers share cookies among the ports of a host, so that a port is in the name.
    pub(crate) fn name(self, origin: &Origin) -> String {
        let prefix = if origin.is_secure() { "__Host-" } else { "" };
        let port = origin.port().map(|port| format!("-{port}")).unwrap_or_default();
        format!("{prefix}{}{port}", self.stem())
    }

    /// The value that the browser sent to the host. `None` also when it sent two different ones.
    pub(crate) fn read(self, headers: &HeaderMap, origin: &Origin) -> Option<Token> {
        cookies::read_named(headers, &self.name(origin))
    }

    /// The `Set-Cookie` value. Without `lifetime` it is a session cookie.
    pub(crate) fn set(self, origin: &Origin, value: &str, lifetime: Option<Duration>) -> Option<HeaderValue> {
        cookies::set_named(&self.name(origin), value, origin.is_secure(), lifetime)
    }

    /// The `Set-Cookie` value that deletes the cookie.
    pub(crate) fn clear(self, origin: &Origin) -> Option<HeaderValue> {
        self.set(origin, "", Some(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_a_protected_host_are_its_own() {
        // SB-14, SB-51
        for (origin, expected) in [
            (
                "https://wiki.example.org",
                "__Host-vestibule-host=abc; Path=/; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "https://wiki.example.org:8443",
                "__Host-vestibule-host-8443=abc; Path=/; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "http://wiki.localhost:8080",
                "vestibule-host-8080=abc; Path=/; HttpOnly; SameSite=Lax",
            ),
        ] {
            let origin = Origin::parse(origin).unwrap();
            let set = HostCookie::Session.set(&origin, "abc", None).unwrap();
            assert_eq!(set, expected);
            assert!(set.is_sensitive() && !expected.contains("Domain"));
            assert_ne!(HostCookie::Session.name(&origin), HostCookie::Nonce.name(&origin));
        }
    }
}

//! The cookies of the pages. Over https their names begin with `__Host-`, so that no other host and no plain-text
//! answer can set them (RFC 6265bis §4.1.3.2); plain http, for a laptop, has the same attributes but `Secure`.

use std::time::Duration;

use chassis::secret::Token;
use http::{HeaderMap, HeaderValue, header};

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The sign-in session.
    Session,
    /// An unguessable value of this browser, to which form tokens are bound.
    Browser,
    /// Says that this browser has signed in before, so that guessing elsewhere does not lock its owner out.
    Device,
    /// Proves that this browser made the registration that is being set up.
    Registration,
}

/// Reads and writes the cookies of one installation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Cookies for pages served over https (`secure`) or plain http.
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The name of a cookie.
    pub(crate) fn name(self, cookie: Cookie) -> &'static str {
        match (cookie, self.secure) {
            (Cookie::Session, true) => "__Host-vestibule",
            (Cookie::Session, false) => "vestibule",
            (Cookie::Browser, true) => "__Host-vestibule-browser",
            (Cookie::Browser, false) => "vestibule-browser",
            (Cookie::Device, true) => "__Host-vestibule-device",
            (Cookie::Device, false) => "vestibule-device",
            (Cookie::Registration, true) => "__Host-vestibule-registration",
            (Cookie::Registration, false) => "vestibule-registration",
        }
    }

    /// The value that the browser sent; `None` as well when it sent two different ones, since one of them was
    /// planted.
    pub(crate) fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<Token> {
        let name = self.name(cookie);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(key, value)| (key == name).then_some(value));
        let first = values.next().filter(|value| is_plain(value))?;
        values.all(|other| other == first).then(|| Token::new(first))
    }

    /// A `Set-Cookie` value. Without `lifetime` the browser forgets it when it closes.
    pub(crate) fn set(self, cookie: Cookie, value: &str, lifetime: Option<Duration>) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = lifetime
            .map(|age| format!("; Max-Age={}", age.as_secs()))
            .unwrap_or_default();
        let name = self.name(cookie);
        let mut value = HeaderValue::try_from(format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
        ))
        .ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A `Set-Cookie` value that makes the browser forget the cookie.
    pub(crate) fn clear(self, cookie: Cookie) -> Option<HeaderValue> {
        self.set(cookie, "", Some(Duration::ZERO))
    }
}

/// What our cookies are made of: URL-safe base64 and full stops.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 256
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::COOKIE, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn cookies_are_host_only_and_out_of_reach_of_scripts() {
        // SB-14
        let https = Cookies::new(true).set(Cookie::Session, "abc", None).unwrap();
        assert_eq!(
            https,
            "__Host-vestibule=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        let http = Cookies::new(false)
            .set(Cookie::Session, "abc", Some(Duration::from_secs(60)))
            .unwrap();
        assert_eq!(http, "vestibule=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        assert!(https.is_sensitive());
    }

    #[test]
    fn a_cookie_is_found_among_others_and_an_ambiguous_one_is_refused() {
        let cookies = Cookies::new(false);
        let read = |values: &[&'static str]| {
            cookies
                .read(&sent(values), Cookie::Session)
                .map(|token| token.expose().to_owned())
        };
        assert_eq!(read(&["a=b; vestibule=abc; c=d"]).as_deref(), Some("abc"));
        assert_eq!(read(&["a=b", "vestibule=abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["vestibule-browser=abc"]), None);
        assert_eq!(read(&["vestibule=abc; vestibule=planted"]), None); // SB-12
        assert_eq!(read(&["vestibule=a\"b"]), None);
        assert_eq!(read(&["vestibule="]), None);
    }
}

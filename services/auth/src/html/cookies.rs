//! The cookies of the pages. Over https their names begin with `__Host-`, so that no other host and no
//! plain-text response can set them (RFC 6265bis §4.1.3.2). Over plain http they have the same attributes
//! except `Secure`.
//!
//! `Path` is always `/`, as `__Host-` demands, so the path of the issuer is in the names. Installations under
//! different paths of one host, and other applications there, do not conflict (SB-51). Browsers share cookies
//! among the ports of a host, so over plain http the port is in the names too.

use std::time::Duration;

use chassis::http::PublicUrl;
use chassis::http::header::cookie_values;
use chassis::secret::Token;
use http::{HeaderMap, HeaderValue};

/// The purpose of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The sign-in session.
    Session,
    /// An unguessable value of this browser, to which form tokens are bound.
    Browser,
    /// The device token, so that guesses elsewhere do not lock the owner out (SB-7).
    Device,
    /// The proof that this browser made a pending registration.
    Registration,
}

/// Reads and writes the cookies of one installation.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    secure: bool,
    /// The end of the names: the port over plain http, and the path.
    suffix: String,
    /// True if releases without a port in their names may run beside this one. Their cookies are read when
    /// there is no other, and they are written too.
    has_former_names: bool,
}

impl Cookies {
    /// Cookies for the pages of `issuer`.
    pub(crate) fn new(issuer: &PublicUrl) -> Self {
        let secure = issuer.is_secure();
        let port = match secure {
            true => String::new(),
            false => format!("-{}", issuer.port().unwrap_or(80)),
        };
        Self {
            secure,
            // A slash may not be in a name (RFC 9110 §5.6.2), and a path has no plus.
            suffix: format!("{port}{}", issuer.path().replace('/', "+")),
            has_former_names: !secure && issuer.path().is_empty(),
        }
    }

    /// The name of a cookie, such as `__Host-vestibule-browser`, `__Host-vestibule+idp` or `vestibule-8000`.
    pub(crate) fn name(&self, cookie: Cookie) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}{}", cookie.stem(), self.suffix)
    }

    /// The value that the browser sent. It is `None` when the browser sent two different values, because one
    /// of them was planted. Cookies of other applications of the host are ignored.
    pub(crate) fn read(&self, headers: &HeaderMap, cookie: Cookie) -> Option<Token> {
        match single_value(headers, &self.name(cookie)) {
            CookieValue::Nothing if self.has_former_names => single_value(headers, cookie.stem()).token(),
            found => found.token(),
        }
    }

    /// The `Set-Cookie` values. Without `lifetime` it is a session cookie.
    pub(crate) fn set(&self, cookie: Cookie, value: &str, lifetime: Option<Duration>) -> Vec<HeaderValue> {
        let former = self.has_former_names.then(|| cookie.stem().to_owned());
        std::iter::once(self.name(cookie))
            .chain(former)
            .filter_map(|name| set_named(&name, value, self.secure, lifetime))
            .collect()
    }

    /// The `Set-Cookie` values that delete the cookie.
    pub(crate) fn clear(&self, cookie: Cookie) -> Vec<HeaderValue> {
        self.set(cookie, "", Some(Duration::ZERO))
    }
}

impl Cookie {
    /// The beginning of the name, after `__Host-`.
    fn stem(self) -> &'static str {
        match self {
            Self::Session => "vestibule",
            Self::Browser => "vestibule-browser",
            Self::Device => "vestibule-device",
            Self::Registration => "vestibule-registration",
        }
    }
}

/// The `Set-Cookie` value of a cookie for one host.
pub(super) fn set_named(
    name: &str,
    value: &str,
    secure: bool,
    lifetime: Option<Duration>,
) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let age = lifetime
        .map(|age| format!("; Max-Age={}", age.as_secs()))
        .unwrap_or_default();
    let mut value = HeaderValue::try_from(format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
    ))
    .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The value of a cookie by its name. It is `None` when the browser sent two different ones.
pub(super) fn read_named(headers: &HeaderMap, name: &str) -> Option<Token> {
    single_value(headers, name).token()
}

/// The value that a browser sent under one cookie name.
enum CookieValue {
    Nothing,
    /// It has characters that our cookies do not have, or there are two different values.
    Unusable,
    One(Token),
}

impl CookieValue {
    fn token(self) -> Option<Token> {
        match self {
            Self::One(token) => Some(token),
            Self::Nothing | Self::Unusable => None,
        }
    }
}

fn single_value(headers: &HeaderMap, name: &str) -> CookieValue {
    let mut values = cookie_values(headers, name);
    let Some(first) = values.next() else {
        return CookieValue::Nothing;
    };
    match std::str::from_utf8(first) {
        Ok(text) if is_plain(first) && values.all(|other| other == first) => {
            CookieValue::One(Token::new(text))
        }
        _ => CookieValue::Unusable,
    }
}

/// True if the value has only the characters of our cookies: URL-safe base64 and full stops.
fn is_plain(value: &[u8]) -> bool {
    !value.is_empty()
        && value.len() <= 256
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::header;

    use super::*;

    const KINDS: [Cookie; 4] = [
        Cookie::Session,
        Cookie::Browser,
        Cookie::Device,
        Cookie::Registration,
    ];

    fn cookies(issuer: &str) -> Cookies {
        Cookies::new(&PublicUrl::parse(issuer).unwrap())
    }

    /// Stores the cookies of `Set-Cookie` in `jar`, as a browser does.
    fn store(jar: &mut BTreeMap<String, String>, set: Vec<HeaderValue>) {
        for value in set {
            let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => jar.remove(name),
                value => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    fn sent(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::COOKIE, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn cookies_are_host_only_and_out_of_reach_of_scripts() {
        // SB-14
        for (issuer, expected) in [
            (
                "https://id.example.org",
                "__Host-vestibule=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
            ),
            (
                "https://example.org/a/idp",
                "__Host-vestibule+a+idp=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
            ),
            (
                "http://localhost:8000",
                "vestibule-8000=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
            ),
            (
                "http://localhost/idp",
                "vestibule-80+idp=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
            ),
        ] {
            let set = cookies(issuer).set(Cookie::Session, "abc", Some(Duration::from_secs(60)));
            assert_eq!(set[0], expected);
            assert!(set.iter().all(HeaderValue::is_sensitive));
        }
    }

    #[test]
    fn installations_on_one_host_have_cookies_of_their_own() {
        // SB-51
        for (one, other) in [
            ("http://localhost:8000", "http://localhost:8100"),
            ("https://example.org/idp", "https://example.org/other"),
            ("https://example.org/idp", "https://example.org"),
            ("https://example.org/a/b", "https://example.org/a.b"),
            ("https://example.org/browser", "https://example.org"),
        ] {
            let (one, other) = (cookies(one), cookies(other));
            let mut names: Vec<String> = KINDS
                .iter()
                .flat_map(|kind| [one.name(*kind), other.name(*kind)])
                .collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 2 * KINDS.len(), "{names:?}");
            // Signed in at both, out at one: the other's cookie is there still.
            let mut jar = BTreeMap::new();
            store(&mut jar, one.set(Cookie::Session, "one", None));
            store(&mut jar, other.set(Cookie::Session, "other", None));
            store(&mut jar, other.clear(Cookie::Session));
            let sent = jar.iter().map(|(name, value)| format!("{name}={value}"));
            let sent = sent.collect::<Vec<_>>().join("; ");
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(sent).unwrap())]);
            let found = |cookies: &Cookies| {
                cookies
                    .read(&headers, Cookie::Session)
                    .map(|token| token.expose().to_owned())
            };
            assert_eq!((found(&one).as_deref(), found(&other)), (Some("one"), None));
        }
    }

    #[test]
    fn a_release_without_ports_in_its_names_may_run_beside_this_one() {
        let cookies = cookies("http://localhost:8000");
        let read = |text: &'static str| {
            let token = cookies.read(&sent(&[text]), Cookie::Session);
            token.map(|token| token.expose().to_owned())
        };
        assert_eq!(read("vestibule=former").as_deref(), Some("former"));
        assert_eq!(
            read("vestibule=former; vestibule-8000=own").as_deref(),
            Some("own")
        );
        assert_eq!(
            read("vestibule=former; vestibule-8000=own; vestibule-8000=planted"),
            None
        );
        let names = |set: Vec<HeaderValue>| -> Vec<String> {
            let name = |value: &HeaderValue| value.to_str().unwrap().split('=').next().unwrap().to_owned();
            set.iter().map(name).collect()
        };
        assert_eq!(
            names(cookies.set(Cookie::Session, "x", None)),
            ["vestibule-8000", "vestibule"]
        );
        assert_eq!(
            names(cookies.clear(Cookie::Session)),
            ["vestibule-8000", "vestibule"]
        );
    }

    #[test]
    fn a_cookie_is_found_among_others_and_an_ambiguous_one_is_refused() {
        let cookies = cookies("http://localhost:8000");
        let read = |values: &[&'static str]| {
            cookies
                .read(&sent(values), Cookie::Session)
                .map(|token| token.expose().to_owned())
        };
        assert_eq!(read(&["a=b; vestibule-8000=abc; c=d"]).as_deref(), Some("abc"));
        assert_eq!(read(&["a=b", "vestibule-8000=abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["vestibule-browser-8000=abc"]), None);
        assert_eq!(read(&["vestibule-8000=abc; vestibule-8000=planted"]), None); // SB-12
        assert_eq!(read(&["vestibule-8000=a\"b"]), None);
        assert_eq!(read(&["vestibule-8000="]), None);
    }

    #[test]
    fn a_cookie_of_another_application_hides_none_of_ours() {
        // SB-51
        let cookies = cookies("http://localhost:8000");
        let read = |headers: &HeaderMap| {
            let token = cookies.read(headers, Cookie::Session);
            token.map(|token| token.expose().to_owned())
        };
        for sent in [
            &b"pref=caf\xc3\xa9; vestibule-8000=abc"[..],
            b"vestibule-8000=abc; pref=\xff\xfe",
            b"vestibule-8000=abc; flag; =x; a=b=c;; ",
            b"\xc3\xa9; vestibule-8000 = abc",
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_bytes(sent).unwrap());
            headers.append(header::COOKIE, HeaderValue::from_bytes(b"x=\x80").unwrap());
            assert_eq!(read(&headers).as_deref(), Some("abc"));
        }
        // Ours itself is as strict as before.
        let ours = HeaderValue::from_bytes(b"vestibule-8000=ab\xffc").unwrap();
        assert_eq!(read(&HeaderMap::from_iter([(header::COOKIE, ours)])), None);
    }
}

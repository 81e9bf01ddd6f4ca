//! CSRF protection: form tokens that are bound to the browser and the session, and the check of the origin
//! headers. Both are required (SB-16).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::random::SharedRandom;
use chassis::secret::Token;
use http::{HeaderMap, header};

use crate::form_submissions::SubmissionKey;

const SALT: usize = 16;

/// Issues and verifies form tokens.
pub(crate) struct Csrf {
    key: hmac::Key,
    random: SharedRandom,
}

impl Csrf {
    /// `secret` is shared by the replicas, so that each verifies the tokens of the others.
    pub(crate) fn new(secret: &[u8], random: SharedRandom) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            random,
        }
    }

    /// Issues a token for the browser with the cookie `browser` and, when it has one, the session cookie
    /// `session`. Every token is different, so that the length or the compression of a page reveals nothing
    /// about it.
    pub(crate) fn issue(&self, browser: &Token, session: Option<&Token>) -> String {
        let mut salt = [0; SALT];
        self.random.fill(&mut salt);
        let mac = hmac::sign(&self.key, &message(&salt, browser, session));
        URL_SAFE_NO_PAD.encode([&salt, mac.as_ref()].concat())
    }

    /// True if `token` was issued for these cookies.
    pub(crate) fn verify(&self, token: &str, browser: Option<&Token>, session: Option<&Token>) -> bool {
        let (Some(browser), Ok(bytes)) = (browser, URL_SAFE_NO_PAD.decode(token)) else {
            return false;
        };
        bytes
            .split_at_checked(SALT)
            .is_some_and(|(salt, mac)| hmac::verify(&self.key, &message(salt, browser, session), mac).is_ok())
    }

    /// The key of a form submission. `digest` is a hash of the path and the fields.
    pub(crate) fn submission_key(&self, browser: &Token, digest: &[u8]) -> SubmissionKey {
        let browser = browser.hash();
        let mac = hmac::sign(&self.key, &[b"submission\0", browser.as_bytes(), digest].concat());
        let mut key = [0; 32];
        key.copy_from_slice(mac.as_ref());
        SubmissionKey(key)
    }
}

fn message(salt: &[u8], browser: &Token, session: Option<&Token>) -> Vec<u8> {
    let session = session.map(Token::expose).unwrap_or_default();
    // The lengths make the encoding of the two cookies unambiguous.
    let lengths = format!("form\0{}\0{}\0", browser.expose().len(), session.len());
    [
        lengths.as_bytes(),
        browser.expose().as_bytes(),
        session.as_bytes(),
        salt,
    ]
    .concat()
}

/// True if the request comes from a page of `origin` (Fetch Metadata `Sec-Fetch-Site`, Fetch §3.1 `Origin`).
///
/// A browser sends at least one of the headers with every POST. Under `Referrer-Policy: no-referrer`, which a
/// proxy may have added, it sends `Origin: null`. Then `Sec-Fetch-Site` is required, which no page and no
/// policy can change.
pub(crate) fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        (values.next(), values.next())
    };
    let site = match one("sec-fetch-site") {
        (None, _) => None,
        (Some(value), None) => Some(value == "same-origin"),
        _ => Some(false),
    };
    let from = match one(header::ORIGIN.as_str()) {
        (None, _) => None,
        (Some(value), None) if value == "null" => None,
        (Some(value), None) => Some(value.as_bytes().eq_ignore_ascii_case(origin.as_bytes())),
        _ => Some(false),
    };
    !matches!((site, from), (None, None) | (Some(false), _) | (_, Some(false)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chassis::random::SystemRandom;
    use http::HeaderValue;

    use super::*;

    fn csrf() -> Csrf {
        Csrf::new(b"a key of the installation", Arc::new(SystemRandom::default()))
    }

    #[test]
    fn a_token_holds_for_its_browser_and_session_alone() {
        // SB-16
        let csrf = csrf();
        let (ann, bob, session) = (Token::new("ann"), Token::new("bob"), Token::new("session"));
        let token = csrf.issue(&ann, Some(&session));
        assert!(csrf.verify(&token, Some(&ann), Some(&session)));
        assert!(!csrf.verify(&token, Some(&bob), Some(&session)));
        assert!(!csrf.verify(&token, Some(&ann), None));
        assert!(!csrf.verify(&token, None, Some(&session)));
        assert_ne!(token, csrf.issue(&ann, Some(&session)));
        for bad in ["", "x", "AAAA", &token[1..], &format!("{token}A"), "é"] {
            assert!(!csrf.verify(bad, Some(&ann), Some(&session)), "{bad}");
        }
        let other = Csrf::new(b"another key", Arc::new(SystemRandom::default()));
        assert!(!other.verify(&token, Some(&ann), Some(&session)));
    }

    #[test]
    fn what_is_kept_of_a_form_tells_nothing_without_the_key() {
        let (ann, bob) = (Token::new("ann"), Token::new("bob"));
        let key = csrf().submission_key(&ann, b"digest");
        assert_eq!(key, csrf().submission_key(&ann, b"digest"), "on every replica");
        assert_ne!(key, csrf().submission_key(&bob, b"digest"));
        assert_ne!(key, csrf().submission_key(&ann, b"other"));
        let other = Csrf::new(b"another key", Arc::new(SystemRandom::default()));
        assert_ne!(key, other.submission_key(&ann, b"digest"));
    }

    #[test]
    fn a_request_must_say_that_it_comes_from_us() {
        // SB-16
        const OURS: &str = "https://id.example.com";
        for (site, origin, allowed) in [
            (Some("same-origin"), Some(OURS), true),
            (None, Some(OURS), true),
            (Some("same-origin"), None, true),
            (None, None, false),
            (Some("cross-site"), Some("https://evil.example"), false),
            (Some("same-site"), Some("https://app.example.com"), false),
            (Some("none"), Some(OURS), false),
            (Some("same-origin"), Some("null"), true),
            (Some("cross-site"), Some("null"), false),
            (Some("same-site"), Some("null"), false),
            (Some("none"), Some("null"), false),
            (None, Some("null"), false),
            (None, Some("https://id.example.com.evil.example"), false),
            (None, Some("https://id.example.com:444"), false),
            (Some("cross-site"), Some(OURS), false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.append(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_same_origin(&headers, OURS), allowed, "{site:?} {origin:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append("origin", HeaderValue::from_static(OURS));
        twice.append("origin", HeaderValue::from_static(OURS));
        assert!(!is_same_origin(&twice, OURS));
    }
}

//! `return_to`: the local path that a sign-in ends at. It is an authorization request, the page for devices, the way back to a
//! protected host or the home page and nothing else, so that the sign-in page is no open redirector (SB-20).

use std::fmt;

use contract::paths::auth::{AUTHORIZE, DEVICE, FORWARD_AUTH_SIGN_IN};
use oidc::device::UserCode;
use url::Url;

const LIMIT: usize = 8192;

/// A local path that a sign-in may end at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// The home page.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// The page for devices, with the user code that the address has.
    pub(crate) fn device(user_code: &str) -> Self {
        match UserCode::parse(user_code) {
            Some(code) => Self(format!("{DEVICE}?user_code={code}")),
            None => Self(DEVICE.to_owned()),
        }
    }

    /// Parses the value of `return_to`. Everything but the path and query of an authorization request and of the way back to a
    /// protected host, and the page for devices, means the home page.
    pub(crate) fn parse(text: &str) -> Self {
        [AUTHORIZE, FORWARD_AUTH_SIGN_IN]
            .iter()
            .find_map(|path| Self::at(path, text))
            .or_else(|| Self::of_device(text))
            .unwrap_or_else(Self::home)
    }

    fn of_device(text: &str) -> Option<Self> {
        let query = text.strip_prefix(DEVICE)?;
        if query.is_empty() {
            return Some(Self(text.to_owned()));
        }
        let code = query.strip_prefix("?user_code=")?;
        UserCode::parse(code)
            .map(|_| Self::device(code))
            .filter(|parsed| parsed.0 == text)
    }

    fn at(path: &str, text: &str) -> Option<Self> {
        let query = text.strip_prefix(path)?.strip_prefix('?')?;
        let plain = text.len() <= LIMIT && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain || query.is_empty() {
            return None;
        }
        // The text is parsed as a browser would parse it. It must stay at this origin and path.
        let base = Url::parse("https://vestibule.invalid/login").ok()?;
        let read = base.join(text).ok()?;
        (read.origin() == base.origin() && read.path() == path && read.fragment().is_none())
            .then(|| Self(text.to_owned()))
    }

    /// True if it leads to an application, which may have another origin.
    pub(crate) fn leads_out(&self) -> bool {
        self.0.starts_with(AUTHORIZE) || self.0.starts_with(FORWARD_AUTH_SIGN_IN)
    }

    /// True if it is the home page.
    pub(crate) fn is_home(&self) -> bool {
        self.0 == "/"
    }

    /// The query of the authorization request, when there is one.
    pub(crate) fn query(&self) -> Option<&str> {
        self.0.strip_prefix(AUTHORIZE)?.strip_prefix('?')
    }

    /// The path and query.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `path` with this as its parameter `return_to`. The home page is left out.
    pub(crate) fn link(&self, path: &str) -> String {
        if self.is_home() {
            return path.to_owned();
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", &self.0)
            .finish();
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}{query}")
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_authorization_request_of_ours_is_returned_to() {
        // SB-20
        let good = "/oauth2/authorize?client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid%20email";
        assert_eq!(ReturnTo::parse(good).as_str(), good);
        let host = "/forward-auth/sign-in?host=https%3A%2F%2Fwiki.example.org&nonce=a&return_to=%2F";
        assert_eq!(
            (ReturnTo::parse(host).as_str(), ReturnTo::parse(host).query()),
            (host, None)
        );
        for bad in [
            "/forward-auth?x",
            "/forward-auth/sign-in",
            "/forward-auth/sign-in/../../evil?x",
            "/forward-auth/sign-in?x#y",
            "",
            "/",
            "https://evil.example/",
            "//evil.example/oauth2/authorize?x",
            "/\\evil.example",
            "\\\\evil.example",
            "/oauth2/authorize",
            "/oauth2/authorize?",
            "/oauth2/authorize?a#b",
            "/oauth2/authorize?a\\b",
            "/oauth2/authorize?a\r\nset-cookie: x=y",
            "/oauth2/authorize?a\tb",
            "/oauth2/authorize?a b",
            "/oauth2/authorize?ä",
            "/oauth2/authorize/../../evil?x",
            "/oauth2/authorizex?x",
            "/oauth2/authorize@evil.example?x",
            " /oauth2/authorize?x",
            "javascript:alert(1)",
            "/oauth2//authorize?x",
        ] {
            assert_eq!(ReturnTo::parse(bad), ReturnTo::home(), "{bad:?}");
        }
        assert_eq!(
            ReturnTo::parse(&format!("/oauth2/authorize?{}", "a".repeat(LIMIT))),
            ReturnTo::home()
        );
    }

    #[test]
    fn the_page_for_devices_is_returned_to_with_its_code() {
        // SB-20
        for good in ["/device", "/device?user_code=WDJB-MJHT"] {
            let parsed = ReturnTo::parse(good);
            assert_eq!(parsed.as_str(), good);
            assert!(!parsed.leads_out() && !parsed.is_home());
        }
        assert_eq!(
            ReturnTo::device(" wdjbmjht").as_str(),
            "/device?user_code=WDJB-MJHT"
        );
        for bad in [
            "/device?",
            "/device?user_code=",
            "/device?user_code=WDJB-MJHT&x=y",
            "/device?user_code=a",
            "/devices",
            "/device/",
            "/device#x",
            "//device",
        ] {
            assert_eq!(ReturnTo::parse(bad), ReturnTo::home(), "{bad:?}");
        }
        for code in ["", "WDJB", "&x=y"] {
            assert_eq!(ReturnTo::device(code).as_str(), "/device", "{code:?}");
        }
    }

    #[test]
    fn a_link_carries_it_encoded() {
        let there = ReturnTo::parse("/oauth2/authorize?a=b&c=d");
        assert_eq!(
            there.link("/register"),
            "/register?return_to=%2Foauth2%2Fauthorize%3Fa%3Db%26c%3Dd"
        );
        assert_eq!(ReturnTo::home().link("/register"), "/register");
    }
}

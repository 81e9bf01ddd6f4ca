//! `return_to`: the local path that a sign-in ends at. It is an authorization request or the home page and
//! nothing else, so that the sign-in page is no open redirector (SB-20).

use std::fmt;

use contract::paths::auth::AUTHORIZE;
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

    /// Parses the value of `return_to`. Everything but the path and query of an authorization request means
    /// the home page.
    pub(crate) fn parse(text: &str) -> Self {
        Self::authorization(text).unwrap_or_else(Self::home)
    }

    fn authorization(text: &str) -> Option<Self> {
        let query = text.strip_prefix(AUTHORIZE)?.strip_prefix('?')?;
        let plain = text.len() <= LIMIT && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain || query.is_empty() {
            return None;
        }
        // The text is parsed as a browser would parse it. It must stay at this origin and path.
        let base = Url::parse("https://vestibule.invalid/login").ok()?;
        let read = base.join(text).ok()?;
        (read.origin() == base.origin() && read.path() == AUTHORIZE && read.fragment().is_none())
            .then(|| Self(text.to_owned()))
    }

    /// True if it leads to an application, which may have another origin.
    pub(crate) fn leads_out(&self) -> bool {
        self.0 != "/"
    }

    /// The query of the authorization request, when there is one.
    pub(crate) fn query(&self) -> Option<&str> {
        self.0.split_once('?').map(|(_, query)| query)
    }

    /// The path and query.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `path` with this as its parameter `return_to`. The home page is left out.
    pub(crate) fn link(&self, path: &str) -> String {
        if !self.leads_out() {
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
        for bad in [
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
    fn a_link_carries_it_encoded() {
        let there = ReturnTo::parse("/oauth2/authorize?a=b&c=d");
        assert_eq!(
            there.link("/register"),
            "/register?return_to=%2Foauth2%2Fauthorize%3Fa%3Db%26c%3Dd"
        );
        assert_eq!(ReturnTo::home().link("/register"), "/register");
    }
}

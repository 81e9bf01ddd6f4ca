//! The path on a protected host that a sign-in goes back to.

use url::Url;

use crate::Origin;

/// The beginning of the paths of a protected host that its proxy forwards to the authentication service.
pub const VESTIBULE_PATHS: &str = "/.vestibule/";

/// The longest path and query, in bytes: the address of the sign-in has it, and proxies limit the headers of a response.
const MAX_BYTES: usize = 1024;

/// A path with an optional query on a protected host. It never leads to another host (SB-20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// The start page of the host.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Reads a path and query. What is too long, could lead to another host, or is one of [`VESTIBULE_PATHS`] means the start page.
    pub fn parse(text: &str) -> Self {
        if Self::is_local(text) {
            Self(text.to_owned())
        } else {
            Self::root()
        }
    }

    fn is_local(text: &str) -> bool {
        let is_plain = text.len() <= MAX_BYTES
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
        if !is_plain || !text.starts_with('/') || text.starts_with("//") {
            return false;
        }
        // The text is parsed as a browser would parse it. It must stay at this origin and outside of the service's own paths.
        let Ok(base) = Url::parse("https://vestibule.invalid/") else {
            return false;
        };
        base.join(text)
            .is_ok_and(|url| url.origin() == base.origin() && !url.path().starts_with(VESTIBULE_PATHS))
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL on a host.
    pub fn on(&self, origin: &Origin) -> String {
        format!("{origin}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SB-20
    #[test]
    fn a_return_path_never_leads_to_another_host() {
        for good in [
            "/",
            "/a/b?c=d&e=https://x.example/",
            "/a//b",
            "/%2f%2fevil.example",
            "/a;b",
        ] {
            assert_eq!(ReturnPath::parse(good).as_str(), good);
        }
        for bad in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\tx",
            "/a b",
            "/a\r\nset-cookie: x",
            "/ä",
            "https://evil.example/",
            "javascript:alert(1)",
            "@evil.example",
            ".evil.example",
            "/a#b",
            "/.vestibule/sign-in",
            "/x/../.vestibule/sign-out",
            "/%2e/.vestibule/callback",
        ] {
            assert_eq!(ReturnPath::parse(bad), ReturnPath::root(), "{bad:?}");
        }
        assert_eq!(
            ReturnPath::parse(&format!("/{}", "a".repeat(MAX_BYTES))),
            ReturnPath::root()
        );
        let origin = Origin::parse("wiki.example.org").unwrap();
        assert_eq!(
            ReturnPath::parse("/a?b").on(&origin),
            "https://wiki.example.org/a?b"
        );
    }
}

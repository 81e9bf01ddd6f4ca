//! Tests of public URLs.

use super::*;

fn url(text: &str) -> PublicUrl {
    PublicUrl::parse(text).unwrap()
}

#[test]
fn a_url_is_an_origin_and_perhaps_a_path_without_a_slash_at_its_end() {
    for (text, bare, origin, path) in [
        (
            "https://id.example.org",
            "https://id.example.org",
            "https://id.example.org",
            "",
        ),
        (
            "https://id.example.org/",
            "https://id.example.org",
            "https://id.example.org",
            "",
        ),
        (
            "https://example.org/idp",
            "https://example.org/idp",
            "https://example.org",
            "/idp",
        ),
        (
            "https://example.org/a.b/c-d/",
            "https://example.org/a.b/c-d",
            "https://example.org",
            "/a.b/c-d",
        ),
        (
            "https://example.org:443/idp",
            "https://example.org/idp",
            "https://example.org",
            "/idp",
        ),
        (
            "http://localhost:8000",
            "http://localhost:8000",
            "http://localhost:8000",
            "",
        ),
        // A path tells capitals from small letters, a host does not.
        (
            "HTTPS://Example.ORG/Idp",
            "https://example.org/Idp",
            "https://example.org",
            "/Idp",
        ),
    ] {
        let url = url(text);
        assert_eq!(
            (url.as_str(), url.origin().as_str(), url.path()),
            (bare, origin, path)
        );
        assert_eq!(url.full("/login"), format!("{bare}/login"));
        assert_eq!(url.local("/login"), format!("{path}/login"));
    }
}

#[test]
fn what_no_link_and_no_cookie_could_hold_is_refused() {
    for (text, error) in [
        ("", PublicUrlError::Scheme),
        ("id.example.org", PublicUrlError::Scheme),
        ("ftp://example.org", PublicUrlError::Scheme),
        ("https://", PublicUrlError::Scheme),
        ("https://ann@example.org", PublicUrlError::Parts),
        ("https://example.org?a=b", PublicUrlError::Parts),
        ("https://example.org/idp#x", PublicUrlError::Parts),
        ("https://example.org//idp", PublicUrlError::Path),
        ("https://example.org/idp//", PublicUrlError::Path),
        ("https://example.org/a b", PublicUrlError::Path),
        ("https://example.org/id%70", PublicUrlError::Path),
        ("https://example.org/id;p", PublicUrlError::Path),
        ("https://example.org/über", PublicUrlError::Path),
    ] {
        assert_eq!(PublicUrl::parse(text), Err(error), "{text}");
    }
    let long = format!("https://example.org/{}", "a".repeat(MAX_PATH_BYTES));
    assert_eq!(PublicUrl::parse(&long), Err(PublicUrlError::Path));
}

#[test]
fn loopback_is_this_machine() {
    for text in [
        "http://localhost:8000",
        "http://LOCALHOST",
        "http://auth.localhost",
        "http://127.0.0.1:1",
        "http://127.8.8.8",
        "http://[::1]:8000/idp",
    ] {
        assert!(url(text).is_loopback(), "{text}");
    }
    for text in [
        "http://localhost.example.org",
        "http://10.0.0.1",
        "http://auth:8000",
        "http://0.0.0.0:8000",
        "https://example.org",
    ] {
        assert!(!url(text).is_loopback(), "{text}");
    }
}

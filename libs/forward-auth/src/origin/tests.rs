//! Tests of origins.

use super::*;

#[test]
fn a_registered_host_is_normalized_or_refused() {
    for (text, expected) in [
        ("wiki.example.org", Ok("https://wiki.example.org")),
        ("https://Wiki.Example.org/", Ok("https://wiki.example.org")),
        ("https://wiki.example.org:443", Ok("https://wiki.example.org")),
        (
            "https://wiki.example.org:8443",
            Ok("https://wiki.example.org:8443"),
        ),
        ("bücher.example", Ok("https://xn--bcher-kva.example")),
        ("bücher.example:8443", Ok("https://xn--bcher-kva.example:8443")),
        ("http://localhost:8080", Ok("http://localhost:8080")),
        ("http://wiki.localhost:8080", Ok("http://wiki.localhost:8080")),
        ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
        ("http://wiki.example.org", Err(OriginError::Insecure)),
        ("http://localhost.example.org", Err(OriginError::Insecure)),
        ("", Err(OriginError::Syntax)),
        ("https://", Err(OriginError::Syntax)),
        ("https://wiki.example.org/path", Err(OriginError::Syntax)),
        ("https://ann@wiki.example.org", Err(OriginError::Syntax)),
        ("https://wiki.example.org?x", Err(OriginError::Syntax)),
        ("*.example.org", Err(OriginError::Syntax)),
        ("ftp://wiki.example.org", Err(OriginError::Syntax)),
        ("wss://wiki.example.org", Err(OriginError::Syntax)),
    ] {
        assert_eq!(
            Origin::parse(text).map(|origin| origin.to_string()),
            expected.map(str::to_owned),
            "{text}"
        );
    }
}

// SB-33
#[test]
fn a_host_of_a_header_is_read_as_the_browser_that_sent_it_meant_it() {
    for (scheme, host, expected) in [
        ("https", "wiki.example.org", Some("https://wiki.example.org")),
        ("HTTPS", "WIKI.example.org:443", Some("https://wiki.example.org")),
        ("wss", "wiki.example.org", Some("https://wiki.example.org")),
        ("ws", "wiki.example.org:80", Some("http://wiki.example.org")),
        (
            "http",
            "wiki.example.org:443",
            Some("http://wiki.example.org:443"),
        ),
        // A full stop at the end is another name for browsers and their cookies.
        ("https", "wiki.example.org.", Some("https://wiki.example.org.")),
        ("https", "[::1]:8443", Some("https://[::1]:8443")),
        ("https,http", "wiki.example.org", None),
        ("https", "wiki.example.org, evil.example", None),
        ("https", "wiki.example.org\t", None),
        ("https", "wiki.example.org\\.evil.example", None),
        ("https", "wiki.example.org%2eevil.example", None),
        ("https", "wiki.example.org/x", None),
        ("https", "ann@wiki.example.org", None),
        ("https", "wiki.example.org:99999", None),
        ("https", "wiki.example.org#x", None),
        ("https", "", None),
        ("", "wiki.example.org", None),
    ] {
        let origin = Origin::from_parts(scheme, host)
            .ok()
            .map(|origin| origin.to_string());
        assert_eq!(origin.as_deref(), expected, "{scheme} {host}");
    }
}

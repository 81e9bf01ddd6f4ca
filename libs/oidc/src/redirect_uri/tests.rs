//! Tests of redirect URIs.

use proptest::prelude::*;

use super::*;

fn uri(text: &str) -> RedirectUri {
    text.parse().unwrap()
}

#[test]
fn what_may_be_registered() {
    // SB-20
    for good in [
        "https://app.example/cb",
        "https://app.example:8443/cb?a=b",
        "http://127.0.0.1/cb",
        "http://[::1]:3000/cb",
        "http://localhost:3000/cb",
        "com.example.app:/cb",
    ] {
        assert!(good.parse::<RedirectUri>().is_ok(), "{good}");
    }
    for (bad, why) in [
        ("", RedirectUriError::Malformed),
        ("/cb", RedirectUriError::Malformed),
        ("https://app.example/c b", RedirectUriError::Malformed),
        ("https://app.example\\@evil.example/", RedirectUriError::Malformed),
        ("https://app.example/\r\nx", RedirectUriError::Malformed),
        ("https://äpp.example/", RedirectUriError::Malformed),
        ("https://app.example/cb#", RedirectUriError::Fragment),
        ("https://app.example/#x", RedirectUriError::Fragment),
        ("https://user@app.example/", RedirectUriError::Credentials),
        ("https://user:pw@app.example/", RedirectUriError::Credentials),
        ("http://app.example/cb", RedirectUriError::Scheme),
        ("http://127.0.0.1.evil.example/cb", RedirectUriError::Scheme),
        ("https:app.example", RedirectUriError::Scheme),
        ("HTTPS://app.example/", RedirectUriError::Scheme),
        ("javascript:alert(1)", RedirectUriError::Scheme),
        ("data:text/html,x", RedirectUriError::Scheme),
        ("file:///etc/passwd", RedirectUriError::Scheme),
    ] {
        assert_eq!(bad.parse::<RedirectUri>(), Err(why), "{bad}");
    }
}

#[test]
fn only_the_port_of_a_loopback_address_is_free() {
    // SB-20; RFC 8252 §7.3
    let loopback = uri("http://127.0.0.1/cb");
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
    ] {
        assert!(loopback.matches(good), "{good}");
    }
    for bad in [
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:1x/cb",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.1:1/cb/",
        "http://127.0.0.1:1/cb?x",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.2:1/cb",
        "https://127.0.0.1:1/cb",
        "http://localhost:1/cb",
    ] {
        assert!(!loopback.matches(bad), "{bad}");
    }
    assert!(uri("http://[::1]:80/cb").matches("http://[::1]:9/cb"));
    assert!(!uri("http://localhost:3000/cb").matches("http://localhost:3001/cb"));
    assert!(!uri("https://app.example/cb").matches("https://app.example:443/cb"));
}

#[test]
fn a_query_is_added_to_the_one_that_is_there() {
    let with = |uri: &str| RedirectUri::with_query(uri, "a=b");
    assert_eq!(with("https://app.example/cb"), "https://app.example/cb?a=b");
    assert_eq!(with("https://app.example/cb?"), "https://app.example/cb?a=b");
    assert_eq!(
        with("https://app.example/cb?x=y"),
        "https://app.example/cb?x=y&a=b"
    );
}

proptest! {
    #[test]
    fn anything_may_come_and_matches_only_itself(text in "(https?://)?[a-z0-9.:/@?#\\\\%\\[\\]-]{0,600}", other in "\\PC{0,600}") {
        if let Ok(uri) = text.parse::<RedirectUri>() {
            prop_assert!(uri.matches(&text));
            let longer = format!("{text}{other}x");
            prop_assert!(!uri.matches(&longer) || text.contains("127.0.0.1") || text.contains("[::1]"));
            let url = Url::parse(&text).unwrap();
            prop_assert!(url.username().is_empty() && url.fragment().is_none());
        }
    }
}

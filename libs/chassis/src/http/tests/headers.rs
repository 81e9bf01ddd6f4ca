//! Tests of request headers, and of the response headers about the connection.

use ::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, IF_MATCH};
use ::http::{HeaderValue, Version};
use axum::response::Response;

use super::*;
use crate::http::header::{accepts, content_type, cookie_values, list};

fn sent(name: ::http::HeaderName, values: &[&[u8]]) -> HeaderMap {
    values
        .iter()
        .map(|value| (name.clone(), HeaderValue::from_bytes(value).unwrap()))
        .collect()
}

// SB-51
#[test]
fn a_byte_outside_ascii_hides_nothing_but_itself() {
    let headers = sent(COOKIE, &[b"pref=caf\xe9; a=1;;b", b" a = 2 ; \xff=3; aa=4"]);
    let found: Vec<_> = cookie_values(&headers, "a").collect();
    assert_eq!(found, [b"1", b"2"]);
    let headers = sent(ACCEPT, &[b"text/x-\xe9, Text/HTML;q=0.9", b"application/json"]);
    assert!(accepts(&headers, "text/html") && accepts(&headers, "application/json"));
    assert!(!accepts(&headers, "text/event-stream") && !accepts(&headers, "text/htm"));
    let of = |values: &[&[u8]]| content_type(&sent(CONTENT_TYPE, values));
    assert_eq!(
        of(&[b"Application/JSON; charset=\"\xe9\""]).as_deref(),
        Some("application/json")
    );
    assert_eq!(of(&[b"application/json", b"application/json"]), None);
    assert_eq!(of(&[b"\xe9"]), None);
    assert_eq!(of(&[]), None);
    let tags = sent(IF_MATCH, &[b"\"\xe9\"", b"W/\"3\""]);
    assert_eq!(list(&tags, &IF_MATCH).as_deref(), Some("\"\u{fffd}\", W/\"3\""));
    assert_eq!(list(&tags, &COOKIE), None);
}

// SB-33: RFC 9112 §3.2, RFC 9113 §8.3.1.
#[test]
fn a_request_names_one_host() {
    let asked = |version: Version, uri: &str, hosts: &[&[u8]]| {
        let mut request = Request::get(uri).version(version).body(()).unwrap();
        *request.headers_mut() = sent(::http::header::HOST, hosts);
        check_host(&request).is_ok()
    };
    for (hosts, http10, http11) in [
        (&[][..], true, false),
        (&[&b"id.example"[..]], true, true),
        (&[b"[::1]:8000"], true, true),
        (&[b"id.example", b"id.example"], false, false),
        (&[b"id.example", b"evil.example"], false, false),
        (&[b""], false, false),
        (&[b"ann@id.example"], false, false),
        (&[b"id.example/x"], false, false),
        (&[b"id.example, evil.example"], false, false),
        (&[b"\xff"], false, false),
    ] {
        assert_eq!(asked(Version::HTTP_10, "/", hosts), http10, "{hosts:?}");
        assert_eq!(asked(Version::HTTP_11, "/", hosts), http11, "{hosts:?}");
    }
    let ours = "https://id.example/";
    assert!(asked(Version::HTTP_2, ours, &[]));
    assert!(asked(Version::HTTP_2, ours, &[b"ID.example"]));
    assert!(asked(Version::HTTP_2, "/", &[b"id.example"]));
    assert!(!asked(Version::HTTP_2, ours, &[b"evil.example"]));
    assert!(!asked(Version::HTTP_2, "/", &[]));
}

// SB-17
#[tokio::test]
async fn a_service_with_a_public_https_address_says_so_in_every_answer() {
    let answer = async |scheme, path: &str| -> Response {
        let routes = Router::new().route("/", get(async || "hello"));
        let app = standard_layers(routes, &LimitsConfig::default(), scheme);
        let request = Request::get(path).body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap()
    };
    for path in ["/", "/nothing"] {
        let said = answer(PublicScheme::of("HTTPS://id.example/"), path).await;
        assert_eq!(said.headers()["strict-transport-security"], "max-age=63072000");
        let silent = answer(PublicScheme::of("http://localhost:8000"), path).await;
        assert!(!silent.headers().contains_key("strict-transport-security"));
    }
}

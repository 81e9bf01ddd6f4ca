//! Tests of the request that a proxy describes.

use http::HeaderValue;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// `METHOD URL STYLE`, or the error.
fn described_as(pairs: &[(&'static str, &str)]) -> Result<String, RequestError> {
    let found = proxied_request(&headers(pairs))?;
    Ok(format!(
        "{} {}{} {:?}",
        found.method, found.origin, found.target, found.denied
    ))
}

const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-method", "GET"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "wiki.example.org"),
    ("x-forwarded-uri", "/a?b=c"),
];
const ORIGINAL: [(&str, &str); 2] = [
    ("x-original-url", "https://wiki.example.org/a?b=c"),
    ("x-original-method", "GET"),
];

#[test]
fn headers_of_each_kind_describe_the_request() {
    let url = "https://wiki.example.org/a?b=c";
    assert_eq!(described_as(&FORWARDED), Ok(format!("GET {url} Whole")));
    assert_eq!(described_as(&ORIGINAL), Ok(format!("GET {url} StatusAlone")));
    let both = [&FORWARDED[..], &ORIGINAL].concat();
    assert_eq!(described_as(&both), Ok(format!("GET {url} StatusAlone")));
    let web_socket = [
        FORWARDED[0],
        ("x-forwarded-proto", "wss"),
        FORWARDED[2],
        FORWARDED[3],
    ];
    assert_eq!(described_as(&web_socket), Ok(format!("GET {url} Whole")));
}

// SB-33
#[test]
fn headers_that_contradict_each_other_or_are_missing_describe_nothing() {
    for (more, expected) in [
        (
            ("x-forwarded-uri", "/public"),
            RequestError::Contradiction("x-forwarded-uri"),
        ),
        (
            ("x-forwarded-method", "POST"),
            RequestError::Contradiction("x-forwarded-method"),
        ),
        (
            ("x-forwarded-proto", "http"),
            RequestError::Contradiction("x-forwarded-proto"),
        ),
        (
            ("x-forwarded-host", "evil.example"),
            RequestError::Contradiction("x-forwarded-host"),
        ),
        (
            ("x-original-method", "GET"),
            RequestError::Unreadable("x-original-method"),
        ),
        (
            ("x-original-url", "https://wiki.example.org/b"),
            RequestError::Unreadable("x-original-url"),
        ),
    ] {
        assert_eq!(
            described_as(&[&ORIGINAL[..], &[more]].concat()),
            Err(expected),
            "{more:?}"
        );
    }
    // A client sends what nginx sets, through a proxy that sets the others.
    for more in [
        ORIGINAL[0],
        ORIGINAL[1],
        ("x-original-url", "https://wiki.example.org/public"),
    ] {
        assert!(
            described_as(&[&FORWARDED[..], &[more]].concat()).is_err(),
            "{more:?}"
        );
    }
    let spoofed = [
        &FORWARDED[..],
        &[("x-original-url", "https://wiki.example.org/public"), ORIGINAL[1]],
    ]
    .concat();
    assert_eq!(
        described_as(&spoofed),
        Err(RequestError::Contradiction("x-forwarded-uri"))
    );
    for (missing, header) in FORWARDED.into_iter().enumerate() {
        let mut some = FORWARDED.to_vec();
        let (name, _) = some.remove(missing);
        assert_eq!(described_as(&some), Err(RequestError::Missing(name)));
        some.push((name, ""));
        assert_eq!(described_as(&some), Err(RequestError::Missing(name)));
        let twice = [&FORWARDED[..], &[header]].concat();
        assert_eq!(described_as(&twice), Err(RequestError::Unreadable(name)));
    }
    assert_eq!(
        described_as(&ORIGINAL[..1]),
        Err(RequestError::Missing("x-original-method"))
    );
    assert_eq!(
        described_as(&[]),
        Err(RequestError::Missing("x-forwarded-method"))
    );
}

// SB-33
#[test]
fn a_url_has_a_host_and_a_path_and_nothing_else() {
    for (url, expected) in [
        (
            "https://wiki.example.org",
            Ok("GET https://wiki.example.org StatusAlone"),
        ),
        (
            "https://WIKI.example.org:443/",
            Ok("GET https://wiki.example.org/ StatusAlone"),
        ),
        ("https://ann@wiki.example.org/", Err(RequestError::Host)),
        ("https://wiki.example.org\\x/", Err(RequestError::Host)),
        ("wiki.example.org/a", Err(RequestError::Host)),
        ("https:///a", Err(RequestError::Host)),
        (
            "https://wiki.example.org/a b",
            Err(RequestError::Path(PathError::Character)),
        ),
        (
            "https://wiki.example.org#/a",
            Err(RequestError::Path(PathError::NoSlash)),
        ),
        (
            "https://wiki.example.org?/a",
            Err(RequestError::Path(PathError::NoSlash)),
        ),
    ] {
        let found = described_as(&[("x-original-url", url), ("x-original-method", "GET")]);
        assert_eq!(found, expected.map(str::to_owned), "{url}");
    }
}

// SB-33
#[test]
fn envoy_describes_a_request_by_its_own_path_and_host() {
    let sent = headers(&[("host", "wiki.example.org"), ("x-forwarded-proto", "https")]);
    let found = proxied_request_of_path("POST", "/a?b", &sent).unwrap();
    assert_eq!(
        (found.method.as_str(), found.origin.to_string()),
        ("POST", "https://wiki.example.org".to_owned())
    );
    for (more, expected) in [
        (
            ("x-forwarded-host", "evil.example"),
            RequestError::Contradiction("x-forwarded-host"),
        ),
        (("host", "evil.example"), RequestError::Unreadable("host")),
        (
            ("x-forwarded-proto", "http"),
            RequestError::Unreadable("x-forwarded-proto"),
        ),
    ] {
        let mut sent = sent.clone();
        sent.append(more.0, HeaderValue::from_static(more.1));
        assert_eq!(host_origin(&sent), Err(expected), "{more:?}");
    }
    let agreed = headers(&[
        ("host", "wiki.example.org"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "wiki.example.org:443"),
    ]);
    assert!(host_origin(&agreed).is_ok());
}

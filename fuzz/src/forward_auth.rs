//! The fuzz target of forward authentication: the request that a proxy describes, its path and the rules.

use ::forward_auth::{
    AccessRules, Origin, Requirement, ReturnPath, proxied_request, proxied_request_of_path,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::FuzzTarget;

pub(crate) const FORWARD_AUTH: FuzzTarget = FuzzTarget {
    name: "forward_auth",
    run: forward_auth,
    worst: |length| {
        [
            format!("https://a/{}", "%2e/".repeat(length / 4)),
            format!("https://a/{}", "/".repeat(length)),
            format!("https://a/{}", "%25".repeat(length / 3)),
            format!("https://{}/", "a.".repeat(length / 2)),
            format!("https://a/{}", "é".repeat(length / 2)),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

/// Bytes as the URL of a request to a host with a public and a restricted path.
fn forward_auth(input: &[u8]) {
    let Ok(url) = HeaderValue::from_bytes(input) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-original-url"), url);
    headers.insert(
        HeaderName::from_static("x-original-method"),
        HeaderValue::from_static("GET"),
    );
    let _ = proxied_request_of_path("GET", &String::from_utf8_lossy(input), &headers);
    let Ok(request) = proxied_request(&headers) else {
        return;
    };
    let written = request.origin.to_string();
    assert_eq!(
        Origin::from_parts(request.origin.scheme(), &request.origin.host()).as_ref(),
        Ok(&request.origin),
        "an origin is read as it is written"
    );
    let back = ReturnPath::parse(&request.target).on(&request.origin);
    assert!(back.starts_with(&format!("{written}/")), "{back} leads elsewhere");
    let rules: AccessRules = serde_json::from_value(serde_json::json!({
        "groups": ["staff"],
        "public": [{ "path": "/public/*" }],
        "restricted": [{ "path": "/admin/*", "groups": ["admins"] }],
    }))
    .unwrap_or_default();
    match rules.requirement(&request.method, &request.path) {
        Requirement::Public => {
            let decoded = request.path.decoded().unwrap_or_default();
            assert!(
                decoded.starts_with("/public/") && !decoded.contains(".."),
                "{decoded}"
            );
        }
        Requirement::Groups(lists) => assert!(!lists.is_empty(), "somebody has to be signed in"),
        Requirement::Unreadable => assert_eq!(request.path.decoded(), None),
    }
}

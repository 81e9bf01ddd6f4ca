//! Tests of routes that are open to scripts of any origin, and of their neighbours that are not.

use ::http::{HeaderMap, Request};
use axum::body::Body;
use tower::ServiceExt;

use super::*;
use crate::routes::Permission;

const ANY: Permission = Permission::Public("a test");
const HEADERS: AnyOrigin = AnyOrigin {
    request_headers: "authorization, if-match",
    response_headers: "etag",
};

/// `/base/open` for scripts, and `/base/closed` beside it.
fn router() -> Router {
    let open =
        Routes::default()
            .get("/base/open", ANY, async || "read")
            .patch("/base/open", ANY, async || StatusCode::CONFLICT);
    let closed = Routes::default().get("/base/closed", ANY, async || "read");
    let router = HEADERS.open(open.clone().into_router_below("/base"), &open, "/base");
    Router::new().nest("/base", router.merge(closed.into_router_below("/base")))
}

async fn send(method: &str, path: &str) -> (StatusCode, HeaderMap) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let response = router().oneshot(request).await.unwrap();
    (response.status(), response.headers().clone())
}

#[tokio::test]
async fn a_preflight_request_is_told_the_methods_of_its_path() {
    let (status, headers) = send("OPTIONS", "/base/open").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, PATCH"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, if-match"),
        (ACCESS_CONTROL_MAX_AGE, "7200"),
    ] {
        assert_eq!(headers[&name], value, "{name}");
    }
}

#[tokio::test]
async fn every_response_of_an_open_route_can_be_read_and_none_allows_credentials() {
    for (method, expected) in [
        ("GET", StatusCode::OK),
        ("PATCH", StatusCode::CONFLICT),
        ("DELETE", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, headers) = send(method, "/base/open").await;
        assert_eq!(status, expected, "{method}");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{method}");
        assert_eq!(headers[ACCESS_CONTROL_EXPOSE_HEADERS], "etag", "{method}");
        assert!(
            !headers.contains_key("access-control-allow-credentials"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_route_beside_it_stays_closed() {
    for (method, expected) in [
        ("OPTIONS", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", StatusCode::OK),
    ] {
        let (status, headers) = send(method, "/base/closed").await;
        assert_eq!(status, expected, "{method}");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{method}");
    }
}

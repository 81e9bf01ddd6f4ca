//! Tests of serving under a base path.

use axum::routing::get;
use http::StatusCode;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

fn service(url: &str) -> Router {
    let app = Router::new()
        .route("/", get(|| async { "home" }))
        .route("/login", get(|uri: Uri| async move { uri.to_string() }))
        .route(METADATA[0], get(|| async { "metadata" }))
        .route(METADATA[1], get(|| async { "resource" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "nothing") });
    serve_under(app, &PublicUrl::parse(url).unwrap())
}

async fn ask(service: &Router, uri: &str) -> String {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_service_answers_under_its_path_and_without_it() {
    let service = service("https://example.org/a/idp");
    for (uri, answer) in [
        ("/a/idp", "home"),
        ("/a/idp/", "home"),
        ("/", "home"),
        ("/a/idp/login?return_to=%2Fa%2Fidp", "/login?return_to=%2Fa%2Fidp"),
        ("/login?a", "/login?a"),
        // HTTP/2 names scheme and authority too.
        ("https://example.org/a/idp/login?b", "https://example.org/login?b"),
        ("/.well-known/oauth-authorization-server/a/idp", "metadata"),
        ("/a/idp/.well-known/oauth-authorization-server", "metadata"),
        ("/.well-known/oauth-protected-resource/a/idp", "resource"),
        ("/a/idpx/login", "nothing"),
        ("/a/idp//login", "nothing"),
        ("/a/idp/a/idp/login", "nothing"),
        ("/.well-known/oauth-authorization-server/other", "nothing"),
    ] {
        assert_eq!(ask(&service, uri).await, answer, "{uri}");
    }
}

#[tokio::test]
async fn a_service_at_the_root_is_left_as_it_is() {
    let service = service("https://example.org");
    assert_eq!(ask(&service, "/login").await, "/login");
    assert_eq!(ask(&service, "/idp/login").await, "nothing");
}

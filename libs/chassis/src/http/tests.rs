//! Tests of the extractors, problems and the standard layer.

mod after_body;
mod client;
mod headers;
mod limits;
mod parsers;

use std::time::Duration;

use ::http::{HeaderMap, Request, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::config::LimitsConfig;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read out of JSON")]
struct Person {
    name: String,
    #[serde(default)]
    age: Option<u8>,
    #[serde(default)]
    emails: Vec<Email>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read out of JSON")]
struct Email {
    value: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Page {
    after: u64,
    #[serde(default)]
    limit: Option<u16>,
    #[serde(default)]
    all: bool,
}

struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl TestResponse {
    fn problem(&self) -> (u16, &str, &str) {
        let name = self.body["type"].as_str().unwrap_or_default();
        let field = self.body["errors"][0]["field"].as_str().unwrap_or_default();
        (
            self.status.as_u16(),
            name.rsplit('/').next().unwrap_or_default(),
            field,
        )
    }
}

fn app() -> Router {
    let routes = Router::new()
        .route(
            "/people",
            post(async |Json(_): Json<Person>| StatusCode::NO_CONTENT),
        )
        .route("/form", post(async |Form(_): Form<Page>| StatusCode::NO_CONTENT))
        .route(
            "/events",
            get(async |Query(page): Query<Page>| format!("{page:?}")),
        )
        .route("/people/{id}", get(async |Path(_): Path<uuid::Uuid>| "found"))
        .route("/panic", get(async || -> &'static str { panic!("swordfish") }))
        .route(
            "/never",
            get(async || std::future::pending::<&'static str>().await),
        )
        .route(
            "/fails",
            get(async || Problem::internal(&std::io::Error::other("swordfish"))),
        )
        .route(
            "/page",
            get(async || [("cache-control", "max-age=60"), ("content-security-policy", "x")]),
        );
    standard_layers(
        routes,
        &LimitsConfig {
            body_bytes: 200,
            request_timeout_seconds: 1,
            ..LimitsConfig::default()
        },
        PublicScheme::Http,
    )
}

async fn send(request: Request<Body>) -> TestResponse {
    let response = app().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    TestResponse {
        status,
        headers,
        body: serde_json::from_slice(&bytes)
            .unwrap_or(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
    }
}

async fn post_as(path: &str, media_type: &str, body: impl Into<Body>) -> TestResponse {
    let request = Request::post(path).header("content-type", media_type);
    send(request.body(body.into()).unwrap()).await
}

async fn get_from(path: &str) -> TestResponse {
    send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn json(body: impl Into<Body>) -> TestResponse {
    post_as("/people", "application/json", body).await
}

#[tokio::test]
async fn good_json_is_read() {
    assert_eq!(
        json(r#"{"name":"Ann","emails":[{"value":"a@b"}]}"#).await.status,
        204
    );
    let scim = post_as(
        "/people",
        "application/scim+json; charset=utf-8",
        r#"{"name":"Ann"}"#,
    )
    .await;
    assert_eq!(scim.status, 204);
}

#[tokio::test]
async fn bad_json_gets_a_problem_that_names_the_field() {
    for (body, expected) in [
        (r#"{"name":"Ann""#, (400, "malformed-json", "")),
        ("", (400, "malformed-json", "")),
        (r#"{"name":"Ann"} more"#, (400, "malformed-json", "")),
        (r#"{"name":"Ann","name":"Bob"}"#, (400, "bad-request", "name")),
        (
            r#"{"name":"Ann","emails":[{"value":"a","value":"b"}]}"#,
            (400, "bad-request", "emails[0].value"),
        ),
        (r#"{"name":"A\u0000"}"#, (400, "bad-request", "name")),
        (
            r#"{"name":"Ann","emails":[{"value":18446744073709551616}]}"#,
            (400, "bad-request", "emails[0].value"),
        ),
        (
            r#"{"name":"Ann","age":9007199254740993.0}"#,
            (400, "bad-request", "age"),
        ),
        (r#"{"name":"Ann","nick":1}"#, (422, "invalid-input", "nick")),
        (
            r#"{"name":"Ann","emails":[{"value":"a","kind":"x"}]}"#,
            (422, "invalid-input", "emails[0].kind"),
        ),
        (r#"{"emails":[]}"#, (422, "invalid-input", "name")),
        (
            r#"{"name":"Ann","emails":[{}]}"#,
            (422, "invalid-input", "emails[0].value"),
        ),
        (r#"{"name":"Ann","age":300}"#, (422, "invalid-input", "age")),
        (r#"{"name":"Ann","age":"old"}"#, (422, "invalid-input", "age")),
        ("[]", (422, "invalid-input", "(body)")),
        (r#"["Ann", 30]"#, (422, "invalid-input", "(body)")),
    ] {
        let answer = json(body).await;
        assert_eq!(answer.problem(), expected, "{body}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let answer = json(b"{\"name\":\"\xff\"}".to_vec()).await;
    assert_eq!(answer.problem(), (400, "malformed-json", ""));
    assert_eq!(answer.body["detail"], "The body is not UTF-8: byte 10 is wrong.");
}

#[tokio::test]
async fn a_refusal_never_repeats_a_value() {
    for body in [
        r#"{"name":"Ann","age":"swordfish"}"#,
        r#"{"name":["swordfish"]}"#,
        r#""swordfish""#,
        r#"{"name":"swordfish","name":"swordfish"}"#,
    ] {
        let answer = json(body).await;
        assert!(answer.status.is_client_error());
        assert!(!answer.body.to_string().contains("swordfish"), "{}", answer.body);
    }
    for query in ["/events?after=swordfish", "/events?after=1&after=swordfish"] {
        let answer = get_from(query).await;
        assert!(answer.status.is_client_error());
        assert!(!answer.body.to_string().contains("swordfish"), "{}", answer.body);
    }
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let request = Request::post("/people").body(Body::from("{}")).unwrap();
    assert_eq!(send(request).await.problem(), (415, "unsupported-media-type", ""));
    let answer = post_as("/people", "text/plain", "{}").await;
    assert_eq!(answer.body["detail"], "Content-Type must be application/json.");
    assert_eq!(post_as("/form", "application/json", "after=1").await.status, 415);
}

// SB-42
#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_and_without_a_length() {
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(300));
    let declared = Request::post("/people")
        .header("content-type", "application/json")
        .header("content-length", long.len())
        .body(Body::from(long.clone()))
        .unwrap();
    let answer = send(declared).await;
    assert_eq!(answer.problem(), (413, "body-too-large", ""));
    assert_eq!(answer.body["limit"], 200);
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(long)]);
    let answer = json(Body::from_stream(chunks)).await;
    assert_eq!(answer.problem(), (413, "body-too-large", ""));
    assert_eq!(answer.body["limit"], 200);
}

// SB-42
#[tokio::test]
async fn parameters_come_once_and_fit() {
    assert_eq!(
        get_from("/events?after=7&limit=2&all=true").await.body,
        "Page { after: 7, limit: Some(2), all: true }"
    );
    for (query, expected) in [
        ("after=1&after=1", (400, "bad-request", "after")),
        ("after=1&a%66ter=1", (400, "bad-request", "after")),
        ("after=%zz", (400, "bad-request", "after")),
        ("after=%2", (400, "bad-request", "after")),
        ("after=%ff", (400, "bad-request", "after")),
        ("after=%00", (400, "bad-request", "after")),
        ("after=-1", (422, "invalid-input", "after")),
        ("after=1&limit=70000", (422, "invalid-input", "limit")),
        ("after=1&x=1", (422, "invalid-input", "x")),
        ("", (422, "invalid-input", "after")),
    ] {
        let answer = get_from(&format!("/events?{query}")).await;
        assert_eq!(answer.problem(), expected, "{query}: {}", answer.body);
        let answer = post_as("/form", "application/x-www-form-urlencoded", query.to_owned()).await;
        assert_eq!(answer.problem(), expected, "{query}: {}", answer.body);
    }
    assert_eq!(get_from("/people/7").await.problem(), (404, "not-found", ""));
}

#[tokio::test]
async fn what_the_router_refuses_is_a_problem_too() {
    let answer = get_from("/nothing").await;
    assert_eq!(answer.problem(), (404, "not-found", ""));
    let answer = get_from("/people").await;
    assert_eq!(answer.problem(), (405, "method-not-allowed", ""));
    assert_eq!(answer.headers["allow"], "POST");
}

// SB-39
#[tokio::test]
async fn a_failure_tells_the_client_a_trace_id_and_nothing_else() {
    for path in ["/panic", "/fails"] {
        let request = Request::get(path)
            .header(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .body(Body::empty())
            .unwrap();
        let answer = send(request).await;
        assert_eq!(answer.problem(), (500, "internal", ""));
        assert!(!answer.body.to_string().contains("swordfish"));
        assert_eq!(answer.body["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(answer.headers["x-request-id"], "0af7651916cd43dd8448eb211c80319c");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let answer = get_from("/never").await;
    assert_eq!(answer.problem(), (503, "timeout", ""));
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn protective_headers_fill_what_a_handler_left_open() {
    // SB-17
    let answer = get_from("/events?after=1").await;
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(
        answer.headers["content-security-policy"],
        "default-src 'none'; frame-ancestors 'none'"
    );
    assert!(!answer.headers.contains_key("strict-transport-security"));
    let page = get_from("/page").await;
    assert_eq!(page.headers["cache-control"], "max-age=60");
    assert_eq!(page.headers["content-security-policy"], "x");
}

#[test]
fn a_problem_is_rfc_9457() {
    let response = Problem::invalid()
        .field("user_name", "is taken")
        .with("hint", "log in")
        .retry_after(Duration::from_millis(1200))
        .into_response();
    assert_eq!(response.headers()["retry-after"], "2");
    let problem = Problem::invalid()
        .field("user_name", "is taken")
        .with("hint", "log in");
    assert_eq!(
        serde_json::to_value(&problem).unwrap(),
        serde_json::json!({
            "type": "https://vestibule.dev/problems/invalid-input",
            "title": "Some fields are not valid",
            "status": 422,
            "errors": [{"field": "user_name", "detail": "is taken"}],
            "hint": "log in",
        })
    );
}

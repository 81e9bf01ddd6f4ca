//! Tests of the limits on bodies and fields.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{FromRequest, FromRequestParts};
use axum::routing::any;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;

use super::*;

/// Stands for a permission extractor: lets in who has an `Authorization` header.
struct Permission;

impl<S: Sync> FromRequestParts<S> for Permission {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut ::http::request::Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key("authorization") {
            return Err(Problem::unauthorized("Bearer"));
        }
        if let Some(limit) = parts.extensions.get::<BodyLimit>() {
            limit.allow_large_body();
        }
        Ok(Self)
    }
}

fn app() -> Router {
    let length = async |RawBody(body): RawBody| body.len().to_string();
    let routes = Router::new()
        .route("/open", post(length))
        .route(
            "/guarded",
            post(async |_: Permission, RawBody(body): RawBody| body.len().to_string()),
        )
        .route(
            "/raised",
            post(async |request: Request<Body>| raised(request).await),
        )
        .route(
            "/guarded-raised",
            post(async |_: Permission, request: Request<Body>| raised(request).await),
        )
        .route("/unread", any(async || "ignored"));
    standard_layers(routes, &LimitsConfig::default(), PublicScheme::Http)
}

/// An endpoint with a limit of its own.
async fn raised(request: Request<Body>) -> Result<String, Problem> {
    if let Some(limit) = request.extensions().get::<BodyLimit>() {
        limit.raise_if_authorized(400_000);
    }
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    Ok(body.len().to_string())
}

async fn send(request: Request<Body>) -> (StatusCode, String) {
    let response = app().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A body of unknown length in pieces of 1,000 bytes, and how many of them were taken.
fn pieces(count: usize) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let frames = stream::iter(0..count).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(vec![b'x'; 1_000])
    });
    (Body::from_stream(frames), taken)
}

// SB-42, SB-43
#[tokio::test]
async fn anybody_may_send_little_and_a_known_sender_more() {
    for (path, known, length, expected) in [
        ("/open", false, 16_384, 200),
        ("/open", false, 16_385, 413),
        ("/open", true, 16_385, 413),
        ("/guarded", true, 16_385, 200),
        ("/guarded", true, 262_144, 200),
        ("/guarded", true, 262_145, 413),
        ("/guarded", false, 262_145, 401),
    ] {
        let request = || {
            let request = Request::post(path);
            match known {
                true => request.header("authorization", "Bearer x"),
                false => request,
            }
        };
        let (status, body) = send(request().body(Body::from(vec![b'x'; length])).unwrap()).await;
        assert_eq!(status, expected, "{path} {known} {length}: {body}");
        let limit = if path == "/open" { 16_384 } else { 262_144 };
        if expected == 413 {
            assert!(body.contains(&format!("\"limit\":{limit}")), "{body}");
        }
        // Without a declared length too.
        let chunks = stream::iter([Ok::<_, Infallible>(vec![b'x'; length])]);
        let (status, body) = send(request().body(Body::from_stream(chunks)).unwrap()).await;
        assert_eq!(status, expected, "{path} {known} {length} in chunks: {body}");
    }
}

// SB-42
#[tokio::test]
async fn what_is_over_the_limit_is_read_away_within_bounds_and_never_kept() {
    // 17 pieces go over the small limit, 2,098 over eight times the large one.
    let (body, taken) = pieces(100);
    assert_eq!(send(Request::post("/open").body(body).unwrap()).await.0, 413);
    assert_eq!(taken.load(Ordering::Relaxed), 100, "a client sees the answer");
    let (body, taken) = pieces(10_000);
    assert_eq!(send(Request::post("/open").body(body).unwrap()).await.0, 413);
    assert!(taken.load(Ordering::Relaxed) < 2_200, "{taken:?}");
    let long = Body::from(vec![b'x'; 100_000]);
    assert_eq!(send(Request::post("/unread").body(long).unwrap()).await.0, 200);
}

// SB-43
#[test]
fn fields_are_counted_while_they_are_read() {
    let fields = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("f{number}=")).collect();
        names.join("&")
    };
    assert!(Pairs::parse(fields(64).as_bytes()).is_ok());
    // What follows the 64th is not even decoded.
    for rest in ["one-more", "%zz", "f1=again", "f64=&f65=&%zz"] {
        let refused = Pairs::parse(format!("{}&{rest}", fields(64)).as_bytes()).unwrap_err();
        assert_eq!(refused.status(), 400, "{rest}");
        assert_eq!(
            refused.detail_text(),
            Some("There are more than 64 parameters."),
            "{rest}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_raises_the_limit_for_those_who_are_authorized() {
    let request = |path: &str, bytes: usize, token: bool| {
        let builder = Request::post(path);
        let builder = match token {
            true => builder.header("authorization", "x"),
            false => builder,
        };
        builder.body(Body::from(vec![b'x'; bytes])).unwrap()
    };
    for (path, bytes, token, status) in [
        ("/guarded-raised", 400_000, true, StatusCode::OK),
        ("/guarded-raised", 400_001, true, StatusCode::PAYLOAD_TOO_LARGE),
        ("/guarded", 400_000, true, StatusCode::PAYLOAD_TOO_LARGE),
        ("/raised", 16_385, false, StatusCode::PAYLOAD_TOO_LARGE),
        ("/raised", 16_384, false, StatusCode::OK),
    ] {
        assert_eq!(
            send(request(path, bytes, token)).await.0,
            status,
            "{path} {bytes}"
        );
    }
}

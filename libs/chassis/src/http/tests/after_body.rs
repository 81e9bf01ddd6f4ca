//! Tests of the check that runs when a body was read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};

use super::*;

fn request(
    path: &str,
    kind: &str,
    chunks: impl futures_util::Stream<Item = Result<&'static str, std::io::Error>> + Send + 'static,
) -> Request<Body> {
    let body = Body::from_stream(chunks);
    Request::post(path)
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

// SB-47
#[tokio::test]
async fn every_body_is_checked_at_its_end_and_refused_before_the_handler() {
    let router = Router::new()
        .route("/json", post(async |_: Json<Person>| "handled"))
        .route("/raw", post(async |_: RawBody| "handled"))
        .route("/form", post(async |_: Form<Page>| "handled"));
    for (path, kind, head, tail) in [
        ("/json", "application/json", r#"{"name": "#, r#""ann"}"#),
        ("/raw", "text/plain", "an", "n"),
        ("/form", "application/x-www-form-urlencoded", "after", "=1"),
    ] {
        for is_allowed in [true, false] {
            let ended = Arc::new(AtomicBool::new(false));
            let late = Arc::clone(&ended);
            let tail = stream::once(async move {
                late.store(true, Ordering::Relaxed);
                Ok(tail)
            });
            let mut request = request(path, kind, stream::once(async move { Ok(head) }).chain(tail));
            request.extensions_mut().insert(AfterBody::new(move || {
                let refused = !is_allowed || !ended.load(Ordering::Relaxed);
                async move {
                    match refused {
                        true => Err(Problem::forbidden("The permission has ended.")),
                        false => Ok(()),
                    }
                }
            }));
            let response = router.clone().oneshot(request).await.unwrap();
            let wanted = if is_allowed {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(response.status(), wanted, "{path}");
        }
    }
}

//! `GET /asyncapi.json`: the contract as an AsyncAPI 3.0 document.

use axum::response::IntoResponse;
use chassis::routes::{Permission, Routes};
use contract::paths::ASYNCAPI;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};

/// `GET /asyncapi.json`, for everybody: it holds nothing but what is public in the repository.
pub fn asyncapi_routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    let public = Permission::Public("the document holds nothing of this installation");
    Routes::default().get(ASYNCAPI, public, published)
}

/// `GET /asyncapi.json`
async fn published() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "application/vnd.aai.asyncapi+json;version=3.0.0"),
        (CACHE_CONTROL, "public, max-age=3600"),
        // Viewers of such documents run on other origins.
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, contract::ASYNCAPI)
}

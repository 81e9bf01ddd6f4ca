//! Redirects.

use ::http::header::{CACHE_CONTROL, HeaderValue, LOCATION, REFERRER_POLICY};
use ::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// 303 See Other (RFC 9110 §15.4.4): the browser follows with a GET and does not repeat a POST (SB-25, RFC 9700 §4.12).
/// It is not cached, and the page behind it hears of no referrer.
pub fn see_other(location: &str) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    (StatusCode::SEE_OTHER, headers).into_response()
}

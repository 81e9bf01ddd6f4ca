//! `GET /oauth2/jwks`: the public signing keys as a JWK Set (RFC 7517 §5).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode};

use crate::keys::KeyRing;

/// Five minutes: [`crate::keys::JWKS_MAX_AGE`]. A key made on demand does not sign before they are over.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /oauth2/jwks`: JWK Set (RFC 7517 §5).
pub(crate) async fn get(State(keys): State<KeyRing>, headers: HeaderMap) -> Response {
    let keys = keys.current();
    let etag = keys.etag();
    if headers.get(IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, CACHE), (ETAG, etag)]).into_response();
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
        (CACHE_CONTROL, CACHE),
        (ETAG, etag),
    ];
    (headers, keys.jwks()).into_response()
}

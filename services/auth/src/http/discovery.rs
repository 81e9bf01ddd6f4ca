//! `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`: server metadata
//! (OpenID Connect Discovery §4, RFC 8414 §3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::tokens::Issuer;

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery §4) and
/// `GET /.well-known/oauth-authorization-server` (RFC 8414 §3). Both return the same document.
pub(crate) async fn get(State(issuer): State<Arc<Issuer>>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, issuer.metadata()).into_response()
}

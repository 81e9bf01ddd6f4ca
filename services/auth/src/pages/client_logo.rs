//! `GET /client-logos/{digest}`: the logo of a client, from our own origin.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chassis::http::Problem;
use chassis::http::header::list;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};

use crate::clients::ClientLogos;
use crate::html::page_error::PageError;

/// The number of hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 64;

/// `GET /client-logos/{digest}`: an image that was fetched from the `logo_uri` of a client. It is sent as the raster format that
/// its bytes were checked for, which nothing in them can change, and as a document of its own it may do nothing (SB-32). Anybody may
/// ask, so the image is read only for a browser that does not have it.
pub(crate) async fn show(
    State(logos): State<ClientLogos>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if digest.len() != DIGEST_DIGITS || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::not_found().into());
    }
    let tag = format!("\"{digest}\"");
    let shared = [
        // A client that is deleted takes its logo along, so that no cache may keep it for long.
        (CACHE_CONTROL, "public, max-age=3600"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    if is_known(&headers, &tag) && logos.has_image(&digest).await? {
        return Ok((StatusCode::NOT_MODIFIED, shared, [(ETAG, tag)]).into_response());
    }
    let logo = logos.find_image(&digest).await?.ok_or_else(Problem::not_found)?;
    let kind = [(CONTENT_TYPE, logo.format.media_type())];
    Ok((shared, kind, [(ETAG, tag)], logo.image).into_response())
}

/// True if the browser has the image of this tag (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    list(headers, &IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',')
            .map(str::trim)
            .any(|value| value == "*" || value.trim_start_matches("W/") == tag)
    })
}

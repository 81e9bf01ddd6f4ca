//! Reading a request's body, whole and bounded.

use std::error::Error as StdError;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use axum::extract::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::Problem;
use super::budget::BodyRefused;

/// No body is longer, whatever the configuration says; the layer's own limit is usually far below.
const LONGEST: usize = 64 * 1024 * 1024;

/// The limit that [`super::standard_layers`] put on a request, for the text of a refusal.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit(pub(super) u64);

/// Reads the body to its end.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let limit = request
        .extensions()
        .get::<BodyLimit>()
        .map_or(LONGEST as u64, |limit| limit.0);
    match Limited::new(request.into_body(), LONGEST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_too_long(error.as_ref()) => Err(Problem::too_large(limit)),
        Err(error) => Err(match BodyRefused::cause(error.as_ref()) {
            Some(refused) => refused.problem(),
            None => Problem::bad_request("The body ended too early."),
        }),
    }
}

fn is_too_long(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Checks that the body is of the media type that `is_it` accepts; parameters such as `charset` are passed over.
pub(super) fn check_type(
    headers: &HeaderMap,
    expected: &'static str,
    is_it: fn(&str) -> bool,
) -> Result<(), Problem> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let essence = values
        .next()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase());
    match essence {
        Some(essence) if is_it(&essence) && values.next().is_none() => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Not a media type that is read here",
        )
        .detail(format!("Content-Type must be {expected}."))
        .header(::http::header::ACCEPT, expected)),
    }
}

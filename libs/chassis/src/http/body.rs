//! Reading a request's body, whole and bounded.

use std::error::Error as StdError;

use ::http::{HeaderMap, StatusCode};
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};

use super::Problem;
use super::budget::BodyRefused;
use super::header::content_type;
use super::limit::BodyTooLong;

/// No body is longer, whatever the configuration says; the layer's own limit is usually far below.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// A whole body, undecoded. Every body is read by this module: nothing else knows the limits and says 413.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

/// Reads the body to its end.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let mut body = Limited::new(request.into_body(), MAX_BODY_BYTES);
    // One buffer, which takes what came: a frame of one byte would hold dozens.
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| read_problem(error.as_ref()))?;
        if let Some(data) = frame.data_ref() {
            whole.extend_from_slice(data);
        }
    }
    Ok(whole.freeze())
}

fn read_problem(error: &(dyn StdError + 'static)) -> Problem {
    match (exceeded_limit(error), BodyRefused::cause(error)) {
        (Some(limit), _) => Problem::too_large(limit),
        (None, Some(refused)) => refused.problem(),
        (None, None) => Problem::bad_request("The body ended too early."),
    }
}

/// The limit that a body went over, if that is why it could not be read.
fn exceeded_limit(error: &(dyn StdError + 'static)) -> Option<u64> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(BodyTooLong(limit)) = error.downcast_ref() {
            return Some(*limit);
        }
        cause = error.source();
    }
    None
}

/// Checks that the body is of the media type that `accepts` accepts; parameters such as `charset` are passed over.
pub(super) fn check_type(
    headers: &HeaderMap,
    expected: &'static str,
    accepts: fn(&str) -> bool,
) -> Result<(), Problem> {
    match content_type(headers) {
        Some(essence) if accepts(&essence) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Not a media type that is read here",
        )
        .detail(format!("Content-Type must be {expected}."))
        .header(::http::header::ACCEPT, expected)),
    }
}

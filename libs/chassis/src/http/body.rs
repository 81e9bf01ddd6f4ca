//! Request bodies, read whole and bounded.

use std::error::Error as StdError;

use ::http::{HeaderMap, StatusCode};
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};

use super::Problem;
use super::after_body::AfterBody;
use super::budgeted_body::BodyRefused;
use super::header::content_type;
use super::limit::BodyTooLong;
use crate::telemetry::find_cause;

/// The upper bound of every body, whatever the configuration says; the limit of the layer is usually far below.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// An extractor for the whole body, undecoded. Every body is read by this module, which applies the limits and responds
/// with 413.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

/// Reads the body to its end, and runs the [check](AfterBody) of its sender that is due then.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let mut body = Limited::new(body, MAX_BODY_BYTES);
    // The frames are copied into one buffer, because a frame of one byte occupies dozens.
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| read_problem(error.as_ref()))?;
        if let Some(data) = frame.data_ref() {
            whole.extend_from_slice(data);
        }
    }
    AfterBody::run(&parts.extensions).await?;
    Ok(whole.freeze())
}

fn read_problem(error: &(dyn StdError + 'static)) -> Problem {
    match (find_cause::<BodyTooLong>(error), find_cause::<BodyRefused>(error)) {
        (Some(BodyTooLong(limit)), _) => Problem::too_large(*limit),
        (None, Some(refused)) => refused.problem(),
        (None, None) => Problem::bad_request("The body ended too early."),
    }
}

/// Checks that `accepts` accepts the media type of the body. Parameters such as `charset` are ignored.
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

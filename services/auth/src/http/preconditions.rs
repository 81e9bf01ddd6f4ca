//! The preconditions of changes (RFC 9110 §13.1): `If-Match` with a version, and `If-None-Match` for what is to be made.

use chassis::http::Problem;
use chassis::http::header::list as header_list;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::managed::Expected;

/// The version of `If-Match` (RFC 9110 §13.1.1); `None` without one, or with `*`.
pub(super) fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = header_list(headers, &IF_MATCH) else {
        return Ok(None);
    };
    let value = value.trim();
    if value == "*" {
        return Ok(None);
    }
    // A weak tag never matches.
    if value.starts_with("W/") {
        return Err(precondition_failed());
    }
    let version = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .and_then(|digits| digits.parse().ok());
    version
        .map(Some)
        .ok_or_else(|| Problem::bad_request("If-Match must be one ETag of this object, or *."))
}

/// The version of `If-Match`, without which a change is not made (RFC 6585 §3).
pub(super) fn required_version(headers: &HeaderMap) -> Result<i64, Problem> {
    expected_version(headers)?
        .ok_or_else(|| precondition_required("Send If-Match with the version that you read."))
}

/// The expectation of a request that makes or changes: `If-None-Match: *`, or `If-Match` with a version.
pub(super) fn expected_state(headers: &HeaderMap) -> Result<Expected, Problem> {
    let absent = header_list(headers, &IF_NONE_MATCH);
    match (absent, expected_version(headers)?) {
        (None, Some(version)) => Ok(Expected::Version(version)),
        (Some(value), None) if value.trim() == "*" && !headers.contains_key(IF_MATCH) => Ok(Expected::Absent),
        (Some(_), _) => Err(Problem::bad_request(
            "If-None-Match must be *, and stand without If-Match.",
        )),
        (None, None) => Err(precondition_required(
            "Send If-Match with the version that you read, or If-None-Match: * for something new.",
        )),
    }
}

/// `ETag` of a version.
pub(super) fn tag(version: i64) -> (HeaderName, String) {
    (ETAG, format!("\"{version}\""))
}

/// 412: the object is not in the state that the request expects.
pub(super) fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        "It was changed meanwhile",
    )
    .detail("Read it again, and send the change with its ETag.")
}

fn precondition_required(detail: &str) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "precondition-required",
        "The change names no state that it expects",
    )
    .detail(detail)
}

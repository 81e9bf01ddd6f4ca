//! Errors of calls to a target, by what they concern: the target, its credentials, one resource, or this service.

use std::time::Duration;

use chassis::outbound::OutboundError;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The longest that a target can put us off.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The part of a target's explanation that is kept, in characters.
const DETAIL: usize = 300;

/// A call to a target that brought nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// The target cannot be reached, or asks to be left alone: it concerns all resources.
    #[error("{reason}")]
    Unavailable {
        status: Option<StatusCode>,
        reason: String,
        retry_after: Option<Duration>,
    },
    /// There was no answer in time: this request may be too much for the target, or the target is.
    #[error("no answer in time")]
    Late,
    /// The target refuses the credentials.
    #[error("{reason}")]
    Unauthorized {
        status: Option<StatusCode>,
        reason: String,
    },
    /// The target refuses this request.
    #[error("{reason}")]
    Refused { status: StatusCode, reason: String },
    /// The answer is longer than what is read of any.
    #[error("the answer has more than {limit} bytes")]
    TooLarge { limit: usize },
    /// Other answers took the room that this process has for large ones.
    #[error("this service reads too many large answers at once")]
    NoRoom,
    /// The request could not be made.
    #[error("{0}")]
    Own(String),
}

impl RemoteError {
    pub(super) fn own(reason: impl Into<String>) -> Self {
        Self::Own(reason.into())
    }

    /// A success that cannot be understood.
    pub(super) fn malformed(status: StatusCode, reason: &str) -> Self {
        Self::Refused {
            status,
            reason: format!("{status}: {reason}"),
        }
    }

    /// The error that an answer means.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let reason = match detail(body) {
            Some(detail) => format!("the target answered {status}: {detail}"),
            None => format!("the target answered {status}"),
        };
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized {
                status: Some(status),
                reason,
            },
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::Unavailable {
                status: Some(status),
                reason,
                retry_after: retry_after(headers),
            },
            // A redirect is not followed: the base URL is another one.
            status if status.is_redirection() => Self::Unavailable {
                status: Some(status),
                reason: format!("{reason}; redirects are not followed"),
                retry_after: None,
            },
            status => Self::Refused { status, reason },
        }
    }

    /// The status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Unavailable { status, .. } | Self::Unauthorized { status, .. } => *status,
            Self::Refused { status, .. } => Some(*status),
            Self::Late | Self::TooLarge { .. } | Self::NoRoom | Self::Own(_) => None,
        }
    }

    /// True if the target answered that there is no such resource.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.status(), Some(StatusCode::NOT_FOUND | StatusCode::GONE))
    }

    /// True if the target refused the request itself, which the same request brings about again.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { status, .. }
            if status.is_client_error() && *status != StatusCode::REQUEST_TIMEOUT
                && *status != StatusCode::PRECONDITION_FAILED && *status != StatusCode::TOO_EARLY)
    }
}

impl From<OutboundError> for RemoteError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Timeout => Self::Late,
            OutboundError::TooLarge { limit } => Self::TooLarge { limit },
            error => Self::Unavailable {
                status: None,
                reason: error.to_string(),
                retry_after: None,
            },
        }
    }
}

/// `detail` and `scimType` of a SCIM error (RFC 7644 §3.12), or `detail` or `error` of other errors in JSON, in one line.
fn detail(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let said = match (text("scimType"), text("detail")) {
        (Some(kind), Some(detail)) => format!("{kind}: {detail}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => text("error_description").or_else(|| text("error"))?.to_owned(),
    };
    let line = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    Some(line.take(DETAIL).collect())
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3). As a date it is passed over: the backoff does.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

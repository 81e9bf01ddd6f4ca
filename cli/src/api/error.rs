//! The errors of a call to a service.

use chassis::telemetry::error_text;
use std::fmt::Write;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;

/// The error of a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The URL of a service that the command needs is not known.
    #[error("this command needs the {0} service: name it with --{0}-url")]
    NoUrl(&'static str),
    /// The command was given no credential.
    #[error("this command needs a credential")]
    NoCredential,
    /// The service does not answer, or not in time.
    #[error("the {service} service at {url} cannot be reached: {reason}")]
    Unreachable {
        service: &'static str,
        url: String,
        reason: String,
    },
    /// The service answered with an error status.
    #[error("{}", problem_text(service, *status, problem))]
    Refused {
        service: &'static str,
        status: StatusCode,
        problem: Box<Problem>,
        /// `Retry-After` in seconds (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    /// The response is not of the documented form.
    #[error("the {service} service gave an answer that this version does not understand: {reason}")]
    InvalidResponse { service: &'static str, reason: String },
}

/// The members of a problem document (RFC 9457), a SCIM error (RFC 7644 §3.12) or an OAuth error (RFC 6749 §5.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    title: Option<String>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    error: Option<String>,
    error_description: Option<String>,
}

/// The error of one field of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldError {
    field: String,
    detail: String,
}

fn problem_text(service: &str, status: StatusCode, problem: &Problem) -> String {
    let words = problem.detail.as_deref().or(problem.error_description.as_deref());
    let words = words.or(problem.title.as_deref()).or(problem.error.as_deref());
    let words = words.map_or_else(|| status.to_string(), printable);
    let mut text = format!("{service}: {}", words.trim_end_matches('.'));
    for error in &problem.errors {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n  {}: {}",
            printable(&error.field),
            printable(&error.detail)
        );
    }
    text
}

impl ApiError {
    /// The error of a request that got no complete response: no connection, a timeout, a broken body.
    pub(crate) fn transport(service: &'static str, error: reqwest::Error) -> Self {
        let url = error
            .url()
            .map_or_else(String::new, |url| url.origin().ascii_serialization());
        let error = error.without_url();
        if error.is_decode() || error.is_body() {
            return Self::InvalidResponse {
                service,
                reason: error_text(&error),
            };
        }
        let reason = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            error_text(&error)
        };
        Self::Unreachable { service, url, reason }
    }

    /// The reason that the service gave, without the name of the service. Control characters in it are escaped.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Refused {
                service,
                status,
                problem,
                ..
            } => {
                let text = problem_text(service, *status, problem);
                text.strip_prefix(service)
                    .and_then(|text| text.strip_prefix(": "))
                    .unwrap_or(&text)
                    .to_owned()
            }
            other => other.to_string(),
        }
    }

    /// True if the same request may succeed later: the service is overloaded, restarts, or cannot be reached.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
            }
            Self::NoUrl(_) | Self::NoCredential | Self::InvalidResponse { .. } => false,
        }
    }

    /// The time to wait before the next request, if the service named one.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The status of an error response.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::NoUrl(_) | Self::NoCredential | Self::Unreachable { .. } | Self::InvalidResponse { .. } => {
                None
            }
        }
    }
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> Self {
        let message = error.to_string();
        match error {
            ApiError::NoUrl(_) | ApiError::NoCredential => Self::new(ErrorCode::Usage, message),
            ApiError::Unreachable { .. } => Self::new(ErrorCode::Unreachable, message)
                .hint("Is it running? `vestibule doctor` says more."),
            ApiError::InvalidResponse { .. } => Self::new(ErrorCode::Failed, message),
            ApiError::Refused { status, .. } => {
                let code = match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorCode::Denied,
                    StatusCode::NOT_FOUND | StatusCode::GONE => ErrorCode::NotFound,
                    StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => ErrorCode::Conflict,
                    StatusCode::BAD_REQUEST
                    | StatusCode::UNPROCESSABLE_ENTITY
                    | StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::Usage,
                    StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
                    | StatusCode::TOO_MANY_REQUESTS => ErrorCode::Unreachable,
                    _ => ErrorCode::Failed,
                };
                Self::new(code, message)
            }
        }
    }
}

//! Problem details: the error responses (RFC 9457).

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use ::http::{Response, StatusCode};
use axum::body::Body;
use axum::response::IntoResponse;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::db::DbError;
use crate::telemetry::{ErrorChain, TraceContext};

/// The media type of a problem (RFC 9457 §3).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

const TYPE_BASE: &str = "https://vestibule.dev/problems/";

/// A problem document. Its `type` is stable: clients may branch on it.
#[derive(Clone)]
pub struct Problem(Box<Details>);

#[derive(Clone)]
struct Details {
    status: StatusCode,
    name: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    members: Vec<(&'static str, Value)>,
    headers: HeaderMap,
}

/// An invalid field and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path in the input, such as `emails[0].value`, or the name of a parameter.
    pub field: String,
    /// The reason, as a sentence without secrets.
    pub detail: String,
}

impl Problem {
    /// A problem of the type `https://vestibule.dev/problems/NAME`, with a title that is the same every time.
    pub fn new(
        status: StatusCode,
        name: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Details {
            status,
            name: name.into(),
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            members: Vec::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be read",
        )
        .detail(detail)
    }

    /// 422: the request can be read, but what a field holds is not allowed. Name the fields with
    /// [`Problem::field`].
    pub fn invalid() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-input",
            "Some fields are not valid",
        )
    }

    /// 401: the request is not authenticated. `scheme` becomes `WWW-Authenticate` (RFC 9110 §11.6.1).
    pub fn unauthorized(scheme: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Authentication is needed",
        )
        .header(::http::header::WWW_AUTHENTICATE, scheme)
    }

    /// 403: the caller is not authorized.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed").detail(detail)
    }

    /// 404: there is no such resource.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found")
    }

    /// 409: the request conflicts with the state of the resource.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "In conflict with what is there").detail(detail)
    }

    /// 413: the body is longer than `limit` bytes.
    pub fn too_large(limit: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is too large",
        )
        .detail(format!("A body may have {limit} bytes at most."))
        .with("limit", limit)
    }

    /// 429: too many requests, with `Retry-After`.
    pub fn too_many(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many requests",
        )
        .retry_after(retry_after)
    }

    /// 503: temporarily unavailable, with `Retry-After`.
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available at the moment",
        )
        .retry_after(retry_after)
    }

    /// 500: an internal error. The causes go to the log; the client gets a trace id and nothing else.
    pub fn internal(error: &(dyn StdError + 'static)) -> Self {
        tracing::error!(
            error.message = %error,
            error.stack_trace = %ErrorChain(error),
            "a request failed: {error}"
        );
        Self::internal_unlogged()
    }

    /// 500 without a log line: the caller has logged the error.
    pub(crate) fn internal_unlogged() -> Self {
        let problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong",
        );
        match TraceContext::current() {
            Some(trace) => problem.with("trace_id", trace.trace_id().to_string()),
            None => problem,
        }
    }

    /// The problem of a bare status code.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(status, "method-not-allowed", "Not a method of this resource")
            }
            StatusCode::REQUEST_TIMEOUT => Self::new(status, "timeout", "The request took too long"),
            _ => Self::new(
                status,
                format!("http-{}", status.as_u16()),
                status.canonical_reason().unwrap_or("Error"),
            ),
        }
    }

    /// Sets the detail of this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an invalid field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError {
            field: field.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds an extension member (RFC 9457 §3.2).
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.push((member, value.into()));
        self
    }

    /// Adds a header to the response. A value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }

    /// Sets `Retry-After`, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.header(RETRY_AFTER, &seconds.max(1).to_string())
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The last part of the `type`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The invalid fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The detail of this occurrence, if it is set.
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{TYPE_BASE}{}", details.name))?;
        map.serialize_entry("title", &details.title)?;
        map.serialize_entry("status", &details.status.as_u16())?;
        if let Some(detail) = &details.detail {
            map.serialize_entry("detail", detail)?;
        }
        if !details.errors.is_empty() {
            map.serialize_entry("errors", &details.errors)?;
        }
        for (member, value) in &details.members {
            map.serialize_entry(member, value)?;
        }
        map.end()
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = &self.0;
        write!(f, "Problem({} {}", details.status.as_u16(), details.name)?;
        if let Some(detail) = &details.detail {
            write!(f, ": {detail}")?;
        }
        for error in &details.errors {
            write!(f, "; {}: {}", error.field, error.detail)?;
        }
        f.write_str(")")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        *headers = self.0.headers;
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if error.is_transient() {
            tracing::warn!(error.message = %error, error.stack_trace = %ErrorChain(&error), "the database is not available");
            return Self::unavailable(Duration::from_secs(1));
        }
        Self::internal(&error)
    }
}

//! Outcomes of a form that is shown again: it is stale, has errors, or came at a bad moment.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use super::fields::Errors;
use super::page_error::PageError;
use super::render::{Pages, retry_after_value};

/// A status and the errors with which a form is shown again.
pub(crate) type FormOutcome = (StatusCode, Errors);

/// The message for a form whose token is not current any more.
pub(crate) fn stale() -> FormOutcome {
    let text = "This page was out of date, so nothing was sent. Please try once more.";
    (StatusCode::FORBIDDEN, Errors::form("Please try again", text))
}

/// The message when the queue of the hashing pool is full.
pub(crate) fn busy() -> FormOutcome {
    let text = "Many people are coming in at the moment. Please try again in a few seconds.";
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Errors::form("Just a moment", text),
    )
}

/// The message when the throttle makes the person wait.
pub(crate) fn throttled(wait: Duration) -> FormOutcome {
    let text = format!(
        "To keep accounts safe, please wait {} before the next try.",
        in_words(wait)
    );
    (
        StatusCode::TOO_MANY_REQUESTS,
        Errors::form("Too many tries", text),
    )
}

impl Pages {
    /// The outcome of a form that is not processed, because its token is not current or its fields have errors.
    ///
    /// # Errors
    /// The error page for a form from another site.
    pub(crate) fn reject_form(
        &self,
        headers: &HeaderMap,
        csrf: &str,
        errors: Errors,
    ) -> Result<Option<FormOutcome>, PageError> {
        if !self.is_current_form(headers, csrf)? {
            return Ok(Some(stale()));
        }
        Ok((!errors.is_empty()).then_some((StatusCode::UNPROCESSABLE_ENTITY, errors)))
    }
}

/// Adds `Retry-After` (RFC 9110 §10.2.3).
pub(crate) fn with_retry_after(mut response: Response, retry_after: Duration) -> Response {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after_value(retry_after));
    response
}

/// A duration in words, rounded up.
pub(crate) fn in_words(wait: Duration) -> String {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match whole {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{whole} seconds"),
        91..=5400 => format!("{} minutes", whole.div_ceil(60)),
        _ => format!("{} hours", whole.div_ceil(3600)),
    }
}

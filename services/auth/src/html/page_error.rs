//! `PageError`: the error type of page handlers, which [`render_error_page`] renders with the current brand.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::http::header::accepts;
use chassis::http::{Form, Problem};
use chassis::telemetry::TraceContext;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::render::{ErrorPage, Pages};

/// An error page to render.
#[derive(Debug)]
pub(crate) struct PageError(Box<ErrorPage>);

impl From<ErrorPage> for PageError {
    fn from(page: ErrorPage) -> Self {
        Self(Box::new(page))
    }
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        let page = page_for_status(problem.status());
        if !problem.status().is_client_error() {
            return page.into();
        }
        let fields: Vec<String> = problem
            .errors()
            .iter()
            .map(|error| format!("{}: {}.", error.field, error.detail.trim_end_matches('.')))
            .collect();
        let detail = match problem.detail_text() {
            Some(detail) => detail.to_owned(),
            None if fields.is_empty() => return page.into(),
            None => fields.join(" "),
        };
        ErrorPage { detail, ..page }.into()
    }
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(*self.0);
        response
    }
}

/// The error page of a status.
fn page_for_status(status: StatusCode) -> ErrorPage {
    let (heading, detail) = match status {
        StatusCode::NOT_FOUND => (
            "This page does not exist",
            "The address may be mistyped, or the page may have moved.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "That cannot be done here",
            "This page does not take such a request.",
        ),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => (
            "This request cannot be read",
            "Something in it is missing or not as expected.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "That was too much",
            "What was sent is larger than any form of ours.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "This request cannot be read",
            "Forms are sent as application/x-www-form-urlencoded.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "We will be right back",
            "The service is busy or starting up. Please try again in a moment.",
        ),
        status if status.is_client_error() => ("That did not work", "Please go back and try again."),
        _ => (
            "Something went wrong",
            "It is our fault, not yours. Please try again in a moment.",
        ),
    };
    let page = ErrorPage::new(status, heading, detail);
    let page = match status {
        StatusCode::SERVICE_UNAVAILABLE => page.with_retry_after(std::time::Duration::from_secs(5)),
        status if status.is_server_error() => match TraceContext::current() {
            Some(trace) => page.with_trace(trace.trace_id().to_string()),
            None => page,
        },
        _ => page,
    };
    page.with_action("Go to the start page", "/")
}

/// Middleware that renders the error pages of its routes, also for errors of the router without a body.
pub(crate) async fn render_error_page(
    State(pages): State<Arc<Pages>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let page = match response.extensions_mut().remove::<ErrorPage>() {
        Some(page) => page,
        None if failed && !response.headers().contains_key(header::CONTENT_TYPE) => page_for_status(status),
        None => return response,
    };
    let mut drawn = pages.error(&page);
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        drawn.headers_mut().insert(header::ALLOW, allow);
    }
    drawn
}

/// The fallback of the router: an error page for browsers, a problem document (RFC 9457) for programs.
pub async fn not_found(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    if accepts(request.headers(), "text/html") {
        pages.error(&page_for_status(StatusCode::NOT_FOUND))
    } else {
        Problem::not_found().into_response()
    }
}

/// The fields of a form, each known and there once. Other forms get an error page.
pub(crate) struct FormFields<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormFields<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let Form(fields) = Form::from_request(request, state).await?;
        Ok(Self(fields))
    }
}

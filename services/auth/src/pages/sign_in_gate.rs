//! The sign-in gate of the pages: an error page while sign-in is closed after a restoration.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use super::ErrorPage;
use crate::html::Pages;
use crate::restore::{CLOSED_MESSAGE, RETRY_AFTER, SignInGate};

/// Middleware of pages that sign people in: an error page with 503 while sign-in is closed.
pub(crate) async fn gate_page(
    State((gate, pages)): State<(SignInGate, Arc<Pages>)>,
    request: Request,
    next: Next,
) -> Response {
    if !gate.is_closed() {
        return next.run(request).await;
    }
    let page = ErrorPage::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "We will be right back",
        CLOSED_MESSAGE,
    )
    .with_retry_after(RETRY_AFTER);
    pages.error(&page)
}

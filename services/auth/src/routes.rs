//! The router of the public port: the endpoints for programs and the pages.

use axum::Router;

use crate::app::SharedApp;
use crate::{html, http, pages};

/// The router of the public port.
pub(crate) fn router(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(http::routes(app))
        .merge(pages::routes(app))
        .fallback(html::not_found)
}

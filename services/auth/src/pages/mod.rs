//! The HTML pages: sign-in, registration, devices, sign-out, set-up, and sessions with connected applications. They work
//! without JavaScript, keep what was
//! typed when a form has an error, and have the brand of the installation.
//!
//! A handler reads a form, calls a use case and shows a view of [`crate::html`].

mod account_fields;
pub(crate) mod client_logo;
pub(crate) mod device;
mod double_click;
mod form_post;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod not_assigned;
pub(crate) mod register;
pub(crate) mod registration_status;
pub(crate) mod security;
mod session;
pub(crate) mod setup;
mod sign_in_gate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use chassis::http::Problem;
use http::HeaderMap;

pub use crate::html::forms::{
    BrowserCookie, LogoutConfirmation, browser_cookie, browser_token, check_form, logout_confirmation,
    session_token,
};
pub use crate::html::{ErrorPage, Pages};
pub use form_post::form_post_page;
pub use logout::{LogoutFrames, clear_browser_state, signed_out_with_frames, signed_out_with_link};

pub(crate) use sign_in_gate::gate_page;

use crate::html::page_error;

/// The response with an error page. It never redirects.
pub fn error_page(pages: &Pages, error: &ErrorPage) -> Response {
    pages.error(error)
}

/// `GET /assets/{name}`: a static asset.
pub(crate) async fn asset(
    State(pages): State<Arc<Pages>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, page_error::PageError> {
    let brand = pages.brand.current();
    let found = pages
        .assets
        .find(&name, brand.logo.as_ref())
        .ok_or_else(Problem::not_found)?;
    Ok(found.respond(&name, &headers))
}

/// `GET /favicon.ico`: the icon, for programs that do not read the page.
pub(crate) async fn favicon(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    pages.assets.mark.respond("favicon.ico", &headers)
}

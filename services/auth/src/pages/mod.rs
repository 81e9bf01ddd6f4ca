//! The HTML pages: sign-in, registration, sign-out and set-up. They work without JavaScript, keep what was
//! typed when a form has an error, and have the brand of the installation.
//!
//! A handler reads a form, calls a use case and shows a view of [`crate::html`].

mod account_fields;
mod double_click;
mod home;
mod login;
mod logout;
mod register;
mod registration_status;
mod session;
mod setup;
mod sign_in_gate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use chassis::http::Problem;
use http::HeaderMap;

pub use crate::html::forms::{
    BrowserCookie, LogoutConfirmation, browser_cookie, browser_token, check_form, logout_confirmation,
    session_token,
};
pub use crate::html::{ErrorPage, Pages};
pub use logout::clear_browser_state;

pub(crate) use sign_in_gate::gate_page;

use crate::app::SharedApp;
use crate::html::page_error;

/// The routes of the pages and their assets.
pub fn routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(sign_in_routes(app))
        .route("/", get(home::show))
        .route("/logout", get(logout::show).post(logout::submit))
        .route("/assets/{name}", get(asset))
        .route("/favicon.ico", get(favicon))
        .layer(from_fn_with_state(
            Arc::clone(&app.pages),
            page_error::render_error_page,
        ))
}

/// The routes that sign people in. They are closed for a while after a restoration.
fn sign_in_routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .route("/login", get(login::show).post(login::submit))
        .route("/register", get(register::show).post(register::submit))
        .route(
            "/register/wait",
            get(registration_status::show).post(registration_status::submit),
        )
        .route("/setup", get(setup::show).post(setup::submit))
        .route_layer(from_fn_with_state(
            (app.sign_in_gate.clone(), Arc::clone(&app.pages)),
            gate_page,
        ))
}

/// The response with an error page. It never redirects.
pub fn error_page(pages: &Pages, error: &ErrorPage) -> Response {
    pages.error(error)
}

/// `GET /assets/{name}`: a static asset.
async fn asset(
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
async fn favicon(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    pages.assets.mark.respond("favicon.ico", &headers)
}

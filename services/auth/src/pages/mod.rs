//! The HTML pages: sign-in, registration, sign-out and set-up. They work without JavaScript, keep what was
//! typed when a form has an error, and have the brand of the installation.
//!
//! A page is a view (`view.rs`, a template under `templates/`). [`Pages`] renders it and adds the nonce and
//! the security headers. `csrf.rs`, `cookies.rs` and `return_to.rs` protect the forms and their redirects.

mod assets;
mod brand;
mod cookies;
mod csrf;
mod double_click;
mod forms;
mod home;
mod login;
mod logout;
mod page_error;
mod register;
mod registration_status;
mod render;
mod return_to;
mod session;
mod setup;
mod sign_in_gate;
mod view;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Path, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use chassis::http::Problem;
use http::HeaderMap;

pub use brand::{BrandConfig, BrandError};
pub use forms::{
    BrowserCookie, LogoutConfirmation, browser_cookie, browser_token, check_form, logout_confirmation,
    session_token,
};
pub use logout::clear_browser_state;
pub use page_error::not_found;
pub use render::{ErrorPage, Pages, PagesConfig};

pub(crate) use sign_in_gate::gate_page;

use crate::app::SharedApp;

/// The routes of the pages and their assets.
pub fn routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(sign_in_routes(app))
        .route("/", get(home::show))
        .route("/logout", get(logout::show).post(logout::submit))
        .route("/assets/{name}", get(asset))
        .route("/favicon.ico", get(favicon))
        .layer(from_fn_with_state(app.clone(), page_error::render_error_page))
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
        .route_layer(from_fn_with_state(app.clone(), gate_page))
}

/// The response with an error page. It never redirects.
pub fn error_page(pages: &Pages, error: &ErrorPage) -> Response {
    pages.error(error)
}

/// `GET /assets/{name}`: a static asset.
async fn asset(
    State(app): State<SharedApp>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, page_error::PageError> {
    let brand = app.pages.brand.current();
    let found = app
        .pages
        .assets
        .find(&name, brand.logo.as_ref())
        .ok_or_else(Problem::not_found)?;
    Ok(found.respond(&name, &headers))
}

/// `GET /favicon.ico`: the icon, for programs that do not read the page.
async fn favicon(State(app): State<SharedApp>, headers: HeaderMap) -> Response {
    app.pages.assets.mark.respond("favicon.ico", &headers)
}

//! The pages that people see: sign in, create an account, sign out, set up. They work without JavaScript, keep
//! what was typed when a form has a mistake, and wear the brand of the installation.
//!
//! A page is a view (`view.rs`, a template under `templates/`), shown by [`Pages`], which adds the nonce and the
//! security headers. `csrf.rs`, `cookies.rs` and `return_to.rs` hold what a form may do and where it may lead.

mod assets;
mod brand;
pub(crate) mod cookies;
pub(crate) mod csrf;
mod guard;
mod render;
mod return_to;
mod view;

#[cfg(test)]
mod tests;

use axum::response::Response;

pub use brand::{BrandConfig, BrandError};
pub use guard::{LogoutConfirmation, check_form, logout_confirmation, session_token};
pub use render::{ErrorPage, Pages, PagesConfig};

/// Shows an error to a person, without ever redirecting.
pub fn error_page(pages: &Pages, error: &ErrorPage) -> Response {
    pages.error(error)
}

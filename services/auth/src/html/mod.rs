//! The parts of HTML pages: views and their templates, the brand, cookies, form tokens and redirects.
//!
//! A page is a view (`view.rs`, a template under `templates/`). [`Pages`] renders it and adds the nonce and
//! the security headers. `csrf.rs`, `cookies.rs` and `return_to.rs` protect the forms and their redirects. The
//! handlers are in [`crate::pages`].

pub(crate) mod assets;
pub(crate) mod brand;
pub(crate) mod cookies;
pub(crate) mod csrf;
pub(crate) mod fields;
pub(crate) mod form_outcome;
pub(crate) mod forms;
pub(crate) mod host_cookies;
pub(crate) mod page_error;
pub(crate) mod render;
pub(crate) mod return_to;
pub(crate) mod view;

pub use brand::{BrandConfig, BrandError};
pub use page_error::not_found;
pub use render::{ErrorPage, Pages, PagesConfig};

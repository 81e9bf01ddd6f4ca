//! The HTTP endpoints, one file each. They turn a request into a use case and its outcome into a response.

mod admin_users;
mod authenticate;

use axum::Router;

pub use chassis::http::ClientInfo;

use crate::app::SharedApp;

/// Every endpoint of this folder.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .merge(authenticate::routes())
        .merge(admin_users::routes())
}

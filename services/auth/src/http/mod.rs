//! The HTTP endpoints, one file each. They turn a request into a use case and its outcome into a response.

mod admin_clients;
mod admin_keys;
mod admin_users;
mod answer;
mod authenticate;
mod authorize;
mod discovery;
mod jwks;
mod logout;
mod revoke;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

pub use chassis::http::ClientInfo;

use crate::app::SharedApp;

/// Every endpoint of this folder.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .merge(authenticate::routes())
        .merge(admin_users::routes())
        .merge(open_to_scripts())
        .route("/oauth2/authorize", get(authorize::get).post(authorize::post))
        .route("/oauth2/logout", get(logout::get).post(logout::post))
        .merge(admin_clients::routes())
        .merge(admin_keys::routes())
}

/// What scripts of other origins may call (CORS). The authorization endpoint is not among it (SB-25).
fn open_to_scripts() -> Router<SharedApp> {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::get).options(answer::preflight),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::get).options(answer::preflight),
        )
        .route("/oauth2/jwks", get(jwks::get).options(answer::preflight))
        .route("/oauth2/token", post(token::post).options(answer::preflight))
        .route(
            "/oauth2/userinfo",
            get(userinfo::get).post(userinfo::get).options(answer::preflight),
        )
        .route("/oauth2/revoke", post(revoke::post).options(answer::preflight))
        .layer(middleware::map_response(answer::any_origin))
}

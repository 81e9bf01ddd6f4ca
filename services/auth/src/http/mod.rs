//! The HTTP endpoints for programs, one file each. A handler reads the request, calls a use case and maps its
//! outcome to a response.

mod admin_clients;
mod admin_keys;
mod admin_users;
mod authenticate;
mod authorize;
mod caller;
mod discovery;
mod jwks;
mod logout;
mod oauth_endpoint;
mod revocations;
mod revoke;
pub(crate) mod sign_in_gate;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use events::operations;

use crate::app::SharedApp;
use crate::pages;

/// The routes of this folder, of the event feed and of the operations on events.
pub fn routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(sign_in_routes(app))
        .merge(protected_routes(app))
        .merge(cors_routes())
        // The AsyncAPI document is public, because it has nothing of this installation.
        .merge(events::asyncapi_routes())
        .route("/oauth2/logout", get(logout::get).post(logout::post))
}

/// The routes that sign people in. They are closed for a while after a restoration.
fn sign_in_routes(app: &SharedApp) -> Router<SharedApp> {
    let pages = Router::new()
        .route("/oauth2/authorize", get(authorize::get).post(authorize::post))
        .route_layer(middleware::from_fn_with_state(
            (app.sign_in_gate.clone(), Arc::clone(&app.pages)),
            pages::gate_page,
        ));
    let calls = authenticate::routes().route_layer(middleware::from_fn_with_state(
        app.sign_in_gate.clone(),
        sign_in_gate::gate_api,
    ));
    pages.merge(calls)
}

/// The routes of administration and the event feed. Each requires its scope, and all require an active
/// caller.
fn protected_routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(admin_users::routes())
        .merge(admin_clients::routes())
        .merge(admin_keys::routes())
        .merge(revocations::routes())
        .merge(events::routes())
        .merge(operations::routes())
        .merge(webhooks::routes())
        .route_layer(middleware::from_extractor_with_state::<caller::ActiveCaller, _>(
            app.clone(),
        ))
}

/// The routes that scripts of other origins may call (CORS). The authorization endpoint is not one of them
/// (SB-25).
fn cors_routes() -> Router<SharedApp> {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::get).options(oauth_endpoint::preflight),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::get).options(oauth_endpoint::preflight),
        )
        .route("/oauth2/jwks", get(jwks::get).options(oauth_endpoint::preflight))
        .route(
            "/oauth2/token",
            post(token::post)
                .options(oauth_endpoint::preflight)
                .fallback(oauth_endpoint::method_not_allowed),
        )
        .route(
            "/oauth2/userinfo",
            get(userinfo::get)
                .post(userinfo::get)
                .options(oauth_endpoint::preflight),
        )
        .route(
            "/oauth2/revoke",
            post(revoke::post)
                .options(oauth_endpoint::preflight)
                .fallback(oauth_endpoint::method_not_allowed),
        )
        .layer(middleware::map_response(oauth_endpoint::allow_any_origin))
}

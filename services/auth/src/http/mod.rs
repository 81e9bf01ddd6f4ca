//! The HTTP endpoints, one file each. They turn a request into a use case and its outcome into a response.

mod admin_clients;
mod admin_keys;
mod admin_users;
mod answer;
mod authenticate;
mod authorize;
mod caller;
mod discovery;
mod jwks;
mod logout;
mod revocations;
mod revoke;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use events::operations;

pub(crate) use caller::still_good;
pub use chassis::http::ClientInfo;

use crate::app::SharedApp;
use crate::restored;

/// Every endpoint of this folder, and the feed.
pub fn routes(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(ways_in(app))
        .merge(for_those_who_may_still_act(app))
        .merge(open_to_scripts())
        // Public: the contract holds nothing of this installation.
        .merge(events::asyncapi_routes())
        .route("/oauth2/logout", get(logout::get).post(logout::post))
}

/// What lets a person in; closed for a moment after a restoration.
fn ways_in(app: &SharedApp) -> Router<SharedApp> {
    let pages = Router::new()
        .route("/oauth2/authorize", get(authorize::get).post(authorize::post))
        .route_layer(middleware::from_fn_with_state(app.clone(), restored::hold_page));
    let calls =
        authenticate::routes().route_layer(middleware::from_fn_with_state(app.clone(), restored::hold_call));
    pages.merge(calls)
}

/// Administration and the feed. Each route asks for its scope; all ask whether the person may still act.
fn for_those_who_may_still_act(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(admin_users::routes())
        .merge(admin_clients::routes())
        .merge(admin_keys::routes())
        .merge(revocations::routes())
        .merge(events::routes())
        .merge(operations::routes())
        .merge(webhooks::routes())
        .route_layer(middleware::from_extractor_with_state::<caller::StillGood, _>(
            app.clone(),
        ))
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
        .route(
            "/oauth2/token",
            post(token::post)
                .options(answer::preflight)
                .fallback(answer::no_such_method),
        )
        .route(
            "/oauth2/userinfo",
            get(userinfo::get).post(userinfo::get).options(answer::preflight),
        )
        .route(
            "/oauth2/revoke",
            post(revoke::post)
                .options(answer::preflight)
                .fallback(answer::no_such_method),
        )
        .layer(middleware::map_response(answer::any_origin))
}

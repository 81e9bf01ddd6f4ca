//! `/scim/v2`: SCIM 2.0 service provider (RFC 7644). [`scim`] has the rules of the protocol.

mod body;
mod convert;
mod discovery;
mod refusal;
mod users;

use axum::Router;
use axum::routing::get;

use crate::app::SharedApp;

pub(super) fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/Users", get(users::list).post(users::create))
        .route(
            "/Users/{id}",
            get(users::show).put(users::replace).delete(users::delete),
        )
        // Public, so that a client learns how to authenticate (RFC 7643 §5, RFC 7644 §4): nothing of anybody
        // stands in them.
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .fallback(refusal::no_such_endpoint)
        .method_not_allowed_fallback(refusal::no_such_method)
}

//! Every route of the public port: method, path, permission and handler. The router is built from these lists, and each
//! route is described in `openapi/`.

use axum::Router;
use axum::middleware::from_extractor_with_state;
use chassis::access::{Admin, EventsRead, GroupsRead, GroupsWrite, OpenId, Scope, UsersRead, UsersWrite};
use chassis::openapi::Published;
use chassis::routes::{Permission, Routes};
use contract::paths::users::{
    REGISTRATIONS, SCIM, SCIM_CONFIG, SCIM_GROUP, SCIM_GROUPS, SCIM_ME, SCIM_RESOURCE_TYPE,
    SCIM_RESOURCE_TYPES, SCIM_SCHEMA, SCIM_SCHEMAS, SCIM_USER, SCIM_USERS, SCIM_USERS_SEARCH, USER,
};

use crate::app::SharedApp;
use crate::http::caller::Directory;
use crate::http::scim::{discovery, groups, me, refusal, search, users};
use crate::http::{registrations, user};
use crate::openapi;

/// A person's own token.
const USER_TOKEN: Permission = Permission::SubjectScope(OpenId::NAME);
/// RFC 7643 §5, RFC 7644 §4: a client learns from these documents how to authenticate. They hold nothing of anybody.
const DISCOVERY: Permission = Permission::Public("it says what this server supports, and nothing of anybody");

/// The API of this service.
fn own() -> Routes<SharedApp> {
    Routes::default()
        .get(USER, USER_TOKEN, user::show)
        .patch(USER, USER_TOKEN, user::patch)
        .post(
            REGISTRATIONS,
            Permission::ScopeAnd(UsersWrite::NAME, "a token of the authentication service"),
            registrations::register,
        )
}

/// SCIM (RFC 7644).
fn scim() -> Routes<SharedApp> {
    let (read, write) = (
        Permission::scope::<UsersRead>(),
        Permission::scope::<UsersWrite>(),
    );
    Routes::default()
        .get(SCIM_USERS, read, search::list)
        .post(SCIM_USERS, write, users::create)
        .post(SCIM_USERS_SEARCH, read, search::search)
        .get(SCIM_ME, USER_TOKEN, me::show)
        .get(SCIM_USER, read, users::show)
        .put(SCIM_USER, write, users::replace)
        .patch(SCIM_USER, write, users::modify)
        .delete(SCIM_USER, write, users::delete)
        .get(SCIM_CONFIG, DISCOVERY, discovery::service_provider_config)
        .get(SCIM_RESOURCE_TYPES, DISCOVERY, discovery::resource_types)
        .get(SCIM_RESOURCE_TYPE, DISCOVERY, discovery::resource_type)
        .get(SCIM_SCHEMAS, DISCOVERY, discovery::schemas)
        .get(SCIM_SCHEMA, DISCOVERY, discovery::schema)
}

/// The groups of SCIM (RFC 7644).
fn scim_groups() -> Routes<SharedApp> {
    let (read, write) = (
        Permission::scope::<GroupsRead>(),
        Permission::scope::<GroupsWrite>(),
    );
    Routes::default()
        .get(SCIM_GROUPS, read, groups::list)
        .post(SCIM_GROUPS, write, groups::create)
        .get(SCIM_GROUP, read, groups::show)
        .put(SCIM_GROUP, write, groups::replace)
        .patch(SCIM_GROUP, write, groups::patch)
        .delete(SCIM_GROUP, write, groups::delete)
}

/// The event feed and what reconcilers ask for, all with the scope `events:read`.
fn feed() -> Routes<SharedApp> {
    events::routes()
}

/// The operations on events and the webhooks, all with the scope `admin`.
fn administration() -> Routes<SharedApp> {
    events::operations::routes().and(webhooks::routes())
}

/// The descriptions of the service.
fn documents(description: &Published) -> Routes<SharedApp> {
    events::asyncapi_routes().and(description.routes(openapi::PATHS))
}

/// Every route.
pub(crate) fn all() -> Routes<SharedApp> {
    own()
        .and(scim())
        .and(scim_groups())
        .and(feed())
        .and(administration())
        .and(documents(&Published::default()))
}

/// The description of the service that is reached at `server`, with tokens of `issuer`.
fn description(server: &str, issuer: &str) -> Published {
    let (server, issuer) = (server.to_owned(), issuer.to_owned());
    Published::new(move || openapi::api().document(&all(), &server, &issuer))
}

/// The router of the public port.
pub(crate) fn router(app: SharedApp) -> Router {
    let description = description(app.verifier.audience(), app.verifier.issuer());
    let scim = scim()
        .and(scim_groups())
        .into_router_below(SCIM)
        .fallback(refusal::no_such_endpoint)
        .method_not_allowed_fallback(refusal::no_such_method);
    // The libraries ask for the scope; these layers, whether a person with it may still act.
    let feed = feed()
        .into_router()
        .route_layer(from_extractor_with_state::<Directory<EventsRead>, _>(app.clone()));
    let administration = administration()
        .into_router()
        .route_layer(from_extractor_with_state::<Directory<Admin>, _>(app.clone()));
    own()
        .and(documents(&description))
        .into_router()
        .nest(SCIM, scim)
        .merge(feed)
        .merge(administration)
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;

    use super::*;
    use crate::testing::{Caller, app};

    testkit::on_both_engines! {
        migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

        async fn every_listed_route_is_there_and_asks_for_a_token_unless_it_is_public(db: TestDb) {
            let stranger = Caller::anonymous(&app(&db));
            for route in all().iter() {
                let path = route.path.replace(['{', '}'], "");
                let status = stranger.send(route.method.as_str(), &path, &[], Body::empty()).await.status;
                let at = format!("{} {path}: {status}", route.method);
                assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{at}");
                assert_eq!(
                    status == StatusCode::UNAUTHORIZED,
                    route.permission.scope_name().is_some(),
                    "{at}"
                );
            }
        }
    }
}

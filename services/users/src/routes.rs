//! Every route of the public port: method, path, permission and handler. The router is built from these lists, and each
//! route is described in `openapi/`.

use axum::Router;
use axum::middleware::{from_extractor_with_state, from_fn_with_state};
use axum::routing::any;
use chassis::access::{
    Admin, AnyRead, AnyWrite, EventsRead, GroupsRead, GroupsWrite, OpenId, Scope, UsersRead, UsersWrite,
    add_dpop_nonce,
};
use chassis::cors::AnyOrigin;
use chassis::openapi::Published;
use chassis::routes::{Permission, Routes};
use contract::paths::users::{
    ADMIN_USERS, DELEGATION, DELEGATIONS, DELETED_USER, DELETED_USERS, EXPORT_GROUPS, EXPORT_USERS,
    IMPORT_GROUPS, IMPORT_USERS, PERSONAL_DATA, PROTECTED_RESOURCE, PROVISIONING_CLIENT,
    PROVISIONING_CLIENTS, PROVISIONING_TOKEN, PROVISIONING_TOKENS, REGISTRATIONS, RESTORE_USER, SCIM,
    SCIM_BULK, SCIM_CONFIG, SCIM_GROUP, SCIM_GROUPS, SCIM_GROUPS_SEARCH, SCIM_ME, SCIM_RESOURCE_TYPE,
    SCIM_RESOURCE_TYPES, SCIM_SCHEMA, SCIM_SCHEMAS, SCIM_SEARCH, SCIM_USER, SCIM_USERS, SCIM_USERS_SEARCH,
    USER,
};

use crate::app::SharedApp;
use crate::http::caller::Privileged;
use crate::http::scim::{bulk, discovery, groups, me, refusal, root, search, users};
use crate::http::{
    admin_users, delegations, deleted_users, exports, imports, personal_data, protected_resource,
    provisioning_clients, registrations, user,
};
use crate::openapi;

/// A person's own token.
const USER_TOKEN: Permission = Permission::SubjectScope(OpenId::NAME);
/// RFC 7643 §5, RFC 7644 §4: a client learns from these documents how to authenticate. They hold nothing of anybody.
const DISCOVERY: Permission = Permission::Public("it says what this server supports, and nothing of anybody");

/// RFC 9728 §3: a client learns from it where it gets tokens.
const METADATA: Permission = Permission::Public("clients configure themselves from it");

/// The headers of the routes that scripts of any origin may call.
const CORS: AnyOrigin = AnyOrigin {
    request_headers: "authorization, content-type, dpop, if-match",
    response_headers: "www-authenticate, dpop-nonce, etag, location, retry-after",
};

/// The record of the person whose token it is, and the metadata. Scripts of any origin may call these routes and those of
/// [`scim_own_record`] (CORS), and no others.
fn own_record() -> Routes<SharedApp> {
    Routes::default()
        .get(PROTECTED_RESOURCE, METADATA, protected_resource::show)
        .get(USER, USER_TOKEN, user::show)
        .patch(USER, USER_TOKEN, user::patch)
}

/// The same in SCIM: the record of the person (RFC 7644 §3.11), and what this server supports.
fn scim_own_record() -> Routes<SharedApp> {
    Routes::default()
        .get(SCIM_ME, USER_TOKEN, me::show)
        .get(SCIM_CONFIG, DISCOVERY, discovery::service_provider_config)
        .get(SCIM_RESOURCE_TYPES, DISCOVERY, discovery::resource_types)
        .get(SCIM_RESOURCE_TYPE, DISCOVERY, discovery::resource_type)
        .get(SCIM_SCHEMAS, DISCOVERY, discovery::schemas)
        .get(SCIM_SCHEMA, DISCOVERY, discovery::schema)
}

/// The rest of the API of this service.
fn own() -> Routes<SharedApp> {
    Routes::default()
        .get(ADMIN_USERS, Permission::scope::<UsersRead>(), admin_users::search)
        .post(
            REGISTRATIONS,
            Permission::ScopeAnd(UsersWrite::NAME, "a token of the authentication service"),
            registrations::register,
        )
        .get(PERSONAL_DATA, Permission::scope::<Admin>(), personal_data::show)
        .post(IMPORT_USERS, Permission::scope::<Admin>(), imports::users)
        .post(IMPORT_GROUPS, Permission::scope::<Admin>(), imports::groups)
        .get(EXPORT_USERS, Permission::scope::<Admin>(), exports::users)
        .get(EXPORT_GROUPS, Permission::scope::<Admin>(), exports::groups)
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
        .get(SCIM_USER, read, users::show)
        .put(SCIM_USER, write, users::replace)
        .patch(SCIM_USER, write, users::modify)
        .delete(SCIM_USER, write, users::delete)
        .get(SCIM, Permission::scope::<AnyRead>(), root::list)
        .post(SCIM_SEARCH, Permission::scope::<AnyRead>(), root::search)
        .post(SCIM_BULK, Permission::scope::<AnyWrite>(), bulk::run)
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
        .post(SCIM_GROUPS_SEARCH, read, groups::search)
        .get(SCIM_GROUP, read, groups::show)
        .put(SCIM_GROUP, write, groups::replace)
        .patch(SCIM_GROUP, write, groups::patch)
        .delete(SCIM_GROUP, write, groups::delete)
}

/// The clients that provision over SCIM, with the scope `admin`.
fn provisioning() -> Routes<SharedApp> {
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(PROVISIONING_CLIENTS, admin, provisioning_clients::list)
        .post(PROVISIONING_CLIENTS, admin, provisioning_clients::create)
        .get(PROVISIONING_CLIENT, admin, provisioning_clients::show)
        .patch(PROVISIONING_CLIENT, admin, provisioning_clients::change)
        .delete(PROVISIONING_CLIENT, admin, provisioning_clients::delete)
        .post(PROVISIONING_TOKENS, admin, provisioning_clients::issue_token)
        .delete(PROVISIONING_TOKEN, admin, provisioning_clients::revoke_token)
}

/// The delegations of administration, with the scope `admin`.
fn delegation() -> Routes<SharedApp> {
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(DELEGATIONS, admin, delegations::list)
        .post(DELEGATIONS, admin, delegations::create)
        .get(DELEGATION, admin, delegations::show)
        .delete(DELEGATION, admin, delegations::delete)
}

/// The event feed and what reconcilers ask for, all with the scope `events:read`.
fn feed() -> Routes<SharedApp> {
    events::routes()
}

/// The deleted users, the operations on events, the webhooks and outbound provisioning, all with the scope `admin`.
fn administration() -> Routes<SharedApp> {
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(DELETED_USERS, admin, deleted_users::list)
        .get(DELETED_USER, admin, deleted_users::show)
        .delete(DELETED_USER, admin, deleted_users::erase)
        .post(RESTORE_USER, admin, deleted_users::restore)
        .and(events::operations::routes())
        .and(webhooks::routes())
        .and(provisioning::routes())
}

/// The descriptions of the service.
fn documents(description: &Published) -> Routes<SharedApp> {
    events::asyncapi_routes().and(description.routes(openapi::PATHS))
}

/// Every route.
pub(crate) fn all() -> Routes<SharedApp> {
    own_record()
        .and(scim_own_record())
        .and(own())
        .and(scim())
        .and(scim_groups())
        .and(provisioning())
        .and(delegation())
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
    // Its 405 can be read by scripts as well.
    let scim_own = scim_own_record()
        .into_router_below(SCIM)
        .method_not_allowed_fallback(refusal::no_such_method);
    let scim = scim()
        .and(scim_groups())
        .into_router_below(SCIM)
        .merge(CORS.open(scim_own, &scim_own_record(), SCIM))
        .fallback(refusal::no_such_endpoint)
        .method_not_allowed_fallback(refusal::no_such_method);
    // The libraries ask for the scope; these layers, whether a person with it may still act.
    let feed = feed()
        .into_router()
        .route_layer(from_extractor_with_state::<Privileged<EventsRead>, _>(
            app.clone(),
        ));
    let administration = administration()
        .into_router()
        .route_layer(from_extractor_with_state::<Privileged<Admin>, _>(app.clone()));
    own()
        .and(provisioning())
        .and(delegation())
        .and(documents(&description))
        .into_router()
        .merge(CORS.open(own_record().into_router(), &own_record(), ""))
        .nest(SCIM, scim)
        // The nested router has everything below but this.
        .route(&format!("{SCIM}/"), any(refusal::no_such_endpoint))
        .merge(feed)
        .merge(administration)
        .layer(from_fn_with_state(app.verifier.dpop().clone(), add_dpop_nonce))
        .layer(from_fn_with_state(
            app.verifier.clone(),
            protected_resource::add_metadata_to_challenge,
        ))
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

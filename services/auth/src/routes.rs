//! Every route of the public port: method, path, permission and handler. The router is built from these lists, and each
//! route is described in `openapi/`.

use axum::Router;
use axum::middleware::{from_extractor_with_state, from_fn_with_state, map_response};
use axum::routing::options;
use chassis::access::{Admin, EventsRead, OpenId, Scope};
use chassis::openapi::Published;
use chassis::routes::{Permission, Routes};
use contract::paths::auth::{
    ASSET, AUTHENTICATE, AUTHORIZE, CLIENT, CLIENTS, CREDENTIAL_BATCH, CREDENTIALS, END_SESSION, FAVICON,
    HOME, JWKS, KEYS, LOGIN, LOGOUT, OPENID_CONFIGURATION, REGISTER, REGISTRATION_STATUS, REVOCATIONS,
    REVOKE, ROTATE_KEYS, SERVER_METADATA, SESSIONS, SETUP, SETUP_LINK, TOKEN, USERINFO, USERS,
};

use crate::app::SharedApp;
use crate::html::page_error;
use crate::http::{
    admin_clients, admin_credentials, admin_keys, admin_users, authenticate, authorize, caller, discovery,
    jwks, logout, oauth_endpoint, revocations, revoke, sign_in_gate, token, userinfo,
};
use crate::{openapi, pages};

/// The permission of the routes that a person needs before they have signed in.
const BEFORE_SIGN_IN: Permission = Permission::Public("people sign in or register here");
/// RFC 8414 §3, RFC 7517 §5.
const METADATA: Permission = Permission::Public("clients configure themselves from it");
const STATIC: Permission = Permission::Public("the pages are made of it");

/// The pages that sign people in. They are closed for a while after a restoration.
fn sign_in_pages() -> Routes<SharedApp> {
    Routes::default()
        .get(LOGIN, BEFORE_SIGN_IN, pages::login::show)
        .post(LOGIN, BEFORE_SIGN_IN, pages::login::submit)
        .get(REGISTER, BEFORE_SIGN_IN, pages::register::show)
        .post(REGISTER, BEFORE_SIGN_IN, pages::register::submit)
        .get(
            REGISTRATION_STATUS,
            BEFORE_SIGN_IN,
            pages::registration_status::show,
        )
        .post(
            REGISTRATION_STATUS,
            BEFORE_SIGN_IN,
            pages::registration_status::submit,
        )
        .get(SETUP, BEFORE_SIGN_IN, pages::setup::show)
        .post(SETUP, BEFORE_SIGN_IN, pages::setup::submit)
}

/// The other pages and their assets.
fn other_pages() -> Routes<SharedApp> {
    Routes::default()
        .get(HOME, Permission::Session, pages::home::show)
        .get(LOGOUT, Permission::Session, pages::logout::show)
        .post(LOGOUT, Permission::Session, pages::logout::submit)
        .get(ASSET, STATIC, pages::asset)
        .get(FAVICON, STATIC, pages::favicon)
}

/// The authorization endpoint, to which applications send people. It is closed like the pages.
fn authorization() -> Routes<SharedApp> {
    Routes::default()
        .get(AUTHORIZE, Permission::Session, authorize::get)
        .post(AUTHORIZE, Permission::Session, authorize::post)
}

/// Direct sign-in. It is closed like the pages.
fn direct_sign_in() -> Routes<SharedApp> {
    let public = Permission::Public("a user name and a password are sent with it");
    Routes::default().post(AUTHENTICATE, public, authenticate::authenticate)
}

/// The endpoints that scripts of other origins may call (CORS). The authorization endpoint is not one of them
/// (SB-25).
fn metadata_and_userinfo() -> Routes<SharedApp> {
    let user = Permission::SubjectScope(OpenId::NAME);
    Routes::default()
        .get(OPENID_CONFIGURATION, METADATA, discovery::get)
        .get(SERVER_METADATA, METADATA, discovery::get)
        .get(JWKS, METADATA, jwks::get)
        .get(USERINFO, user, userinfo::get)
        .post(USERINFO, user, userinfo::get)
}

/// The endpoints for clients, which scripts of other origins may call as well.
fn client_endpoints() -> Routes<SharedApp> {
    Routes::default()
        .post(TOKEN, Permission::ClientAuthentication, token::post)
        .post(REVOKE, Permission::ClientAuthentication, revoke::post)
}

/// Administration, the operations on events, the webhooks and the event feed. All require an active caller.
fn protected() -> Routes<SharedApp> {
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .post(USERS, admin, admin_users::create)
        .post(SETUP_LINK, admin, admin_users::invite)
        .delete(SESSIONS, admin, admin_users::end_sessions)
        .put(CREDENTIALS, admin, admin_credentials::replace)
        .post(CREDENTIAL_BATCH, admin, admin_credentials::import)
        .get(CLIENTS, admin, admin_clients::list)
        .post(CLIENTS, admin, admin_clients::create)
        .get(CLIENT, admin, admin_clients::find)
        .delete(CLIENT, admin, admin_clients::delete)
        .get(KEYS, admin, admin_keys::list)
        .post(ROTATE_KEYS, admin, admin_keys::rotate)
        .get(REVOCATIONS, Permission::scope::<EventsRead>(), revocations::list)
        .and(events::routes())
        .and(events::operations::routes())
        .and(webhooks::routes())
}

/// The end-session endpoint (OpenID Connect RP-Initiated Logout §2), and the descriptions of the service.
fn unprotected(description: &Published) -> Routes<SharedApp> {
    Routes::default()
        .get(END_SESSION, Permission::Session, logout::get)
        .post(END_SESSION, Permission::Session, logout::post)
        .and(events::asyncapi_routes())
        .and(description.routes(openapi::PATHS))
}

/// Every route.
pub(crate) fn all() -> Routes<SharedApp> {
    sign_in_pages()
        .and(other_pages())
        .and(authorization())
        .and(direct_sign_in())
        .and(metadata_and_userinfo())
        .and(client_endpoints())
        .and(protected())
        .and(unprotected(&Published::default()))
}

/// The description of the service that is reached at `issuer`.
fn description(issuer: &str) -> Published {
    let issuer = issuer.to_owned();
    Published::new(move || openapi::api().document(&all(), &issuer, &issuer))
}

/// The router of the public port.
pub(crate) fn router(app: &SharedApp) -> Router<SharedApp> {
    let gate = (app.sign_in_gate.clone(), app.pages.clone());
    let gated_pages = sign_in_pages()
        .into_router()
        .route_layer(from_fn_with_state(gate.clone(), pages::gate_page));
    let pages = other_pages()
        .into_router()
        .merge(gated_pages)
        .layer(from_fn_with_state(
            app.pages.clone(),
            page_error::render_error_page,
        ));
    let gated = authorization()
        .into_router()
        .route_layer(from_fn_with_state(gate.clone(), pages::gate_page))
        .merge(direct_sign_in().into_router().route_layer(from_fn_with_state(
            app.sign_in_gate.clone(),
            sign_in_gate::gate_api,
        )));
    let protected = protected()
        .into_router()
        .route_layer(from_extractor_with_state::<caller::ActiveCaller, _>(app.clone()));
    let description = description(app.issuer.url());
    Router::new()
        .merge(pages)
        .merge(gated)
        .merge(protected)
        .merge(cors_router())
        .merge(unprotected(&description).into_router())
        .fallback(page_error::not_found)
}

/// The routes that scripts of other origins may call, with their preflight requests.
fn cors_router() -> Router<SharedApp> {
    let paths = metadata_and_userinfo().and(client_endpoints()).paths();
    let preflights = paths.into_iter().fold(Router::new(), |router, path| {
        router.route(path, options(oauth_endpoint::preflight))
    });
    let clients = client_endpoints()
        .into_router()
        .method_not_allowed_fallback(oauth_endpoint::method_not_allowed);
    metadata_and_userinfo()
        .into_router()
        .merge(clients)
        .merge(preflights)
        .layer(map_response(oauth_endpoint::allow_any_origin))
}

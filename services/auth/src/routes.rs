//! Every route of the public port: method, path, permission and handler. The router is built from these lists, and each
//! route is described in `openapi/`.

use axum::Router;
use axum::middleware::{from_extractor_with_state, from_fn_with_state};
use axum::routing::any;
use chassis::access::{Admin, EventsRead, OpenId, Scope, add_dpop_nonce};
use chassis::cors::AnyOrigin;
use chassis::openapi::Published;
use chassis::routes::{Permission, Routes};
use contract::paths::auth::{
    ASSET, AUTHENTICATE, AUTHORIZE, CLIENT, CLIENT_ASSIGNMENT, CLIENT_ASSIGNMENTS, CLIENT_CONFIGURATION,
    CLIENT_LOGO, CLIENT_REGISTRATION, CLIENT_SECRET, CLIENT_SECRETS, CLIENTS, CONSENT, CONSENT_OF_CLIENT,
    CONSENTS, CREDENTIAL_BATCH, CREDENTIALS, DEVICE, DEVICE_AUTHORIZATION, END_SESSION, FAVICON,
    FORWARD_AUTH, FORWARD_AUTH_ENVOY, FORWARD_AUTH_SIGN_IN, HOME, HOST_CALLBACK, HOST_SIGN_IN, HOST_SIGN_OUT,
    INITIAL_ACCESS_TOKEN, INITIAL_ACCESS_TOKENS, INTROSPECT, JWKS, KEYS, LOGIN, LOGOUT, MANAGED_CLIENT,
    MANAGED_CLIENTS, MANAGED_HOST, MANAGED_HOSTS, OPENID_CONFIGURATION, PENDING_CREDENTIAL, PERSONAL_DATA,
    PROTECTED_HOST, PROTECTED_HOSTS, PUSHED_AUTHORIZATION_REQUEST, REGISTER, REGISTRATION_STATUS,
    REVOCATIONS, REVOKE, ROTATE_KEYS, SCOPES, SECURITY, SECURITY_APPLICATIONS, SECURITY_SESSIONS,
    SERVER_METADATA, SESSION, SESSIONS, SETUP, SETUP_LINK, TOKEN, USERINFO, USERS,
};

use crate::app::SharedApp;
use crate::html::page_error;
use crate::http::{
    admin_assignments, admin_client_secrets, admin_clients, admin_consents, admin_credentials,
    admin_initial_tokens, admin_keys, admin_personal_data, admin_protected_hosts, admin_scopes,
    admin_sessions, admin_users, authenticate, authorize, caller, device_authorization, discovery,
    forward_auth, introspect, jwks, logout, managed, oauth_endpoint, par, pending_credentials, register,
    revocations, revoke, sign_in_gate, token, userinfo,
};
use crate::{openapi, pages};

/// The permission of the routes that a person needs before they have signed in.
const BEFORE_SIGN_IN: Permission = Permission::Public("people sign in or register here");
/// RFC 8414 §3, RFC 7517 §5.
const METADATA: Permission = Permission::Public("clients configure themselves from it");
/// The permission is [`forward_auth::TrustedProxy`].
const PROXY: Permission = Permission::Public("only a proxy that `listen.trusted_proxies` names is answered");
const STATIC: Permission = Permission::Public("the pages are made of it");
/// The headers of the routes that scripts of any origin may call.
const CORS: AnyOrigin = AnyOrigin {
    request_headers: "authorization, content-type, dpop",
    response_headers: "www-authenticate, dpop-nonce, retry-after",
};

/// The pages that sign people and their devices in and ask for their consent. They are closed for a while after a restoration.
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
        .get(DEVICE, Permission::Session, pages::device::show)
        .post(DEVICE, Permission::Session, pages::device::submit)
        .get(CONSENT, Permission::Session, authorize::consent::show)
        .post(CONSENT, Permission::Session, authorize::consent::submit)
        .get(FORWARD_AUTH_SIGN_IN, Permission::Session, forward_auth::sign_in)
}

/// The question of proxies about requests to protected hosts, and the pages that they forward. They are closed like the pages.
fn proxied() -> Routes<SharedApp> {
    use forward_auth::host_pages;
    Routes::default()
        .get(FORWARD_AUTH, PROXY, forward_auth::get)
        .get(HOST_SIGN_IN, PROXY, host_pages::sign_in)
        .get(HOST_CALLBACK, PROXY, host_pages::callback)
        .get(HOST_SIGN_OUT, PROXY, host_pages::show_sign_out)
        .post(HOST_SIGN_OUT, PROXY, host_pages::submit_sign_out)
}

/// The router of [`proxied`]. Envoy asks with the path and the method of the request, which no list of routes can have.
fn proxied_router() -> Router<SharedApp> {
    proxied()
        .into_router()
        .route(FORWARD_AUTH_ENVOY, any(forward_auth::envoy))
        .route(
            &format!("{FORWARD_AUTH_ENVOY}/{{*path}}"),
            any(forward_auth::envoy),
        )
        .route(&format!("{FORWARD_AUTH_ENVOY}/"), any(forward_auth::envoy))
}

/// The other pages and their assets.
fn other_pages() -> Routes<SharedApp> {
    Routes::default()
        .get(HOME, Permission::Session, pages::home::show)
        .get(SECURITY, Permission::Session, pages::security::show)
        .post(
            SECURITY_SESSIONS,
            Permission::Session,
            pages::security::end_session,
        )
        .post(
            SECURITY_APPLICATIONS,
            Permission::Session,
            pages::security::withdraw,
        )
        .get(LOGOUT, Permission::Session, pages::logout::show)
        .post(LOGOUT, Permission::Session, pages::logout::submit)
        .get(ASSET, STATIC, pages::asset)
        .get(CLIENT_LOGO, STATIC, pages::client_logo::show)
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
        .post(
            PUSHED_AUTHORIZATION_REQUEST,
            Permission::ClientAuthentication,
            par::post,
        )
        .post(INTROSPECT, Permission::ClientAuthentication, introspect::post)
        .post(
            DEVICE_AUTHORIZATION,
            Permission::ClientAuthentication,
            device_authorization::post,
        )
}

/// Dynamic client registration (RFC 7591, RFC 7592).
fn client_registration() -> Routes<SharedApp> {
    let tokens =
        Permission::Public("the endpoint checks initial and registration access tokens, or is open or off");
    Routes::default()
        .post(CLIENT_REGISTRATION, tokens, register::post)
        .get(CLIENT_CONFIGURATION, tokens, register::get)
        .put(CLIENT_CONFIGURATION, tokens, register::put)
        .delete(CLIENT_CONFIGURATION, tokens, register::delete)
}

/// Administration, the operations on events, the webhooks and the event feed. All require an active caller.
fn protected() -> Routes<SharedApp> {
    let admin = Permission::scope::<Admin>();
    let user_service = Permission::ScopeAnd(EventsRead::NAME, "a token of the user service");
    Routes::default()
        .post(USERS, admin, admin_users::create)
        .post(SETUP_LINK, admin, admin_users::invite)
        .get(SESSIONS, admin, admin_sessions::list)
        .delete(SESSIONS, admin, admin_users::end_sessions)
        .delete(SESSION, admin, admin_sessions::end)
        .get(CLIENT_ASSIGNMENTS, admin, admin_assignments::list)
        .put(CLIENT_ASSIGNMENT, admin, admin_assignments::assign)
        .delete(CLIENT_ASSIGNMENT, admin, admin_assignments::withdraw)
        .get(CONSENTS, admin, admin_consents::list)
        .delete(CONSENT_OF_CLIENT, admin, admin_consents::withdraw)
        .put(CREDENTIALS, admin, admin_credentials::replace)
        .post(CREDENTIAL_BATCH, admin, admin_credentials::import)
        .get(CREDENTIAL_BATCH, admin, admin_credentials::export)
        .get(PERSONAL_DATA, admin, admin_personal_data::show)
        .get(CLIENTS, admin, admin_clients::list)
        .post(CLIENTS, admin, admin_clients::create)
        .get(CLIENT, admin, admin_clients::find)
        .put(CLIENT, admin, admin_clients::replace)
        .delete(CLIENT, admin, admin_clients::delete)
        .get(CLIENT_SECRETS, admin, admin_client_secrets::list)
        .post(CLIENT_SECRETS, admin, admin_client_secrets::create)
        .delete(CLIENT_SECRET, admin, admin_client_secrets::delete)
        .get(INITIAL_ACCESS_TOKENS, admin, admin_initial_tokens::list)
        .post(INITIAL_ACCESS_TOKENS, admin, admin_initial_tokens::create)
        .delete(INITIAL_ACCESS_TOKEN, admin, admin_initial_tokens::delete)
        .get(PROTECTED_HOSTS, admin, admin_protected_hosts::list)
        .post(PROTECTED_HOSTS, admin, admin_protected_hosts::create)
        .get(PROTECTED_HOST, admin, admin_protected_hosts::find)
        .put(PROTECTED_HOST, admin, admin_protected_hosts::replace)
        .delete(PROTECTED_HOST, admin, admin_protected_hosts::delete)
        .get(MANAGED_CLIENTS, admin, managed::clients::list)
        .put(MANAGED_CLIENT, admin, managed::clients::put)
        .delete(MANAGED_CLIENT, admin, managed::clients::delete)
        .get(MANAGED_HOSTS, admin, managed::hosts::list)
        .put(MANAGED_HOST, admin, managed::hosts::put)
        .delete(MANAGED_HOST, admin, managed::hosts::delete)
        .get(SCOPES, admin, admin_scopes::list)
        .get(KEYS, admin, admin_keys::list)
        .post(ROTATE_KEYS, admin, admin_keys::rotate)
        .put(PENDING_CREDENTIAL, user_service, pending_credentials::put)
        .delete(PENDING_CREDENTIAL, user_service, pending_credentials::cancel)
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
        .and(proxied())
        .and(metadata_and_userinfo())
        .and(client_endpoints())
        .and(client_registration())
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
        .merge(
            direct_sign_in()
                .into_router()
                .merge(proxied_router())
                .route_layer(from_fn_with_state(
                    app.sign_in_gate.clone(),
                    sign_in_gate::gate_api,
                )),
        );
    let protected = protected()
        .into_router()
        .route_layer(from_extractor_with_state::<caller::ActiveCaller, _>(app.clone()));
    let description = description(app.issuer.url());
    Router::new()
        .merge(pages)
        .merge(gated)
        .merge(protected)
        .merge(cors_router())
        .merge(client_registration().into_router())
        .merge(unprotected(&description).into_router())
        .layer(from_fn_with_state(app.verifier.dpop().clone(), add_dpop_nonce))
        .fallback(page_error::not_found)
}

/// The routes that scripts of other origins may call, with their preflight requests.
fn cors_router() -> Router<SharedApp> {
    let clients = client_endpoints()
        .into_router()
        .method_not_allowed_fallback(oauth_endpoint::method_not_allowed);
    let router = metadata_and_userinfo().into_router().merge(clients);
    CORS.open(router, &metadata_and_userinfo().and(client_endpoints()), "")
}

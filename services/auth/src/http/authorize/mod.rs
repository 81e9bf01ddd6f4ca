//! `GET` and `POST /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! [`oidc::authorize`] decides. `mod.rs` reads the request and its client, `respond.rs` reads the session and
//! carries the decision out, `consent.rs` has the consent page with the authorization details of `details.rs`, `pending.rs` saves and loads the request while the person signs in, and
//! `refuse.rs` responds to requests with errors.

pub(crate) mod consent;
mod details;
mod pending;
mod refuse;
mod respond;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{FromRef, RawQuery, State};
use axum::response::{IntoResponse, Response};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::{ClientInfo, Problem, see_other};
use chassis::secret::Token;
use contract::paths::auth::AUTHORIZE;
use http::{HeaderMap, StatusCode};
use oidc::authorize::{
    AuthorizationError, AuthorizationResponse, CheckedRequest, EncodedResponse, PageError, ResponseClaims,
    UnverifiedAuthorizationRequest, check, refuse_request_object,
};
use oidc::consent::AllowedAccess;
use oidc::jose::TYP_AUTHORIZATION_RESPONSE;
use oidc::params::Params;
use oidc::server::AuthorizationServer;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse, unsigned};
use crate::app::SharedApp;
use crate::authorization_requests::{AuthorizationRequest, AuthorizationRequests, MAX_REQUEST_BYTES};
use crate::clients::{Client, ClientLogos, Clients, GrantType};
use crate::consents::Consents;
use crate::keys::KeyRing;
use crate::pages::{self, ErrorPage, Pages};
use crate::scopes::Scopes;
use crate::sessions::Sessions;
use crate::tokens::{Issuer, Tokens};
use refuse::RefusedRequest;
use respond::Outcome;

/// The collaborators of the authorization endpoint.
#[derive(Clone)]
pub(crate) struct AuthorizationEndpoint {
    authorization_requests: AuthorizationRequests,
    client_logos: ClientLogos,
    clients: Clients,
    clock: SharedClock,
    consents: Consents,
    db: Db,
    issuer: Arc<Issuer>,
    keys: KeyRing,
    pages: Arc<Pages>,
    scopes: Scopes,
    sessions: Sessions,
    tokens: Tokens,
}

impl FromRef<SharedApp> for AuthorizationEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            authorization_requests: app.authorization_requests.clone(),
            client_logos: app.client_logos.clone(),
            clients: app.clients.clone(),
            clock: Arc::clone(&app.clock),
            consents: app.consents.clone(),
            db: app.db.clone(),
            issuer: Arc::clone(&app.issuer),
            keys: app.keys.clone(),
            pages: Arc::clone(&app.pages),
            scopes: app.scopes.clone(),
            sessions: app.sessions.clone(),
            tokens: app.tokens.clone(),
        }
    }
}

/// `GET /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1).
pub(crate) async fn get(
    State(endpoint): State<AuthorizationEndpoint>,
    headers: HeaderMap,
    client: ClientInfo,
    RawQuery(query): RawQuery,
) -> Response {
    handle(&endpoint, &headers, &client, &query.unwrap_or_default()).await
}

/// `POST /oauth2/authorize`: authorization endpoint with the parameters in a form (OpenID Connect Core
/// §3.1.2.1).
pub(crate) async fn post(
    State(endpoint): State<AuthorizationEndpoint>,
    headers: HeaderMap,
    client: ClientInfo,
    form: Result<FormBody, OAuthErrorResponse>,
) -> Response {
    match form {
        Ok(FormBody(form)) if form.len() > MAX_REQUEST_BYTES => too_long_page(&endpoint),
        // A browser sends no cookie with a POST from another site. The redirect makes it a GET, which has the
        // cookie.
        Ok(FormBody(form)) if pages::session_token(&endpoint.pages, &headers).is_none() => {
            match Params::parse_lenient(&form) {
                Ok(params) => see_other(
                    &endpoint
                        .pages
                        .local(&format!("{AUTHORIZE}?{}", params.encoded(&[]))),
                ),
                Err(error) => error_page(&endpoint, &format!("{error}.")),
            }
        }
        Ok(FormBody(form)) => handle(&endpoint, &headers, &client, &form).await,
        Err(_) => error_page(&endpoint, "The request is not a form."),
    }
}

/// An authorization request and the browser that sent it.
struct BrowserRequest<'a> {
    endpoint: &'a AuthorizationEndpoint,
    headers: &'a HeaderMap,
    caller: &'a ClientInfo,
    request: &'a UnverifiedAuthorizationRequest,
    client: &'a Client,
    /// Set when the request was saved while the person signed in.
    resumed: Option<&'a ResumedRequest>,
    /// The hash of the reference of the pushed request that it is or came of.
    pushed: Option<&'a [u8]>,
    interaction: Interaction<'a>,
}

/// The answer of the person to the consent page, if there is one yet.
#[derive(Clone, Copy, Debug)]
enum Interaction<'a> {
    /// Nothing: the browser came to the authorization endpoint with this query.
    None { query: &'a str },
    /// The browser came to the consent page.
    ShowConsent,
    /// The person allowed this access, which the consent page showed.
    Allowed(&'a AllowedAccess),
    /// The person denied the access.
    Denied,
}

/// A saved request and its handle.
struct ResumedRequest {
    handle: Token,
    request: AuthorizationRequest,
}

/// A request, and its places in the database.
struct LoadedRequest {
    request: UnverifiedAuthorizationRequest,
    /// Set when it was saved while the person signed in.
    resumed: Option<ResumedRequest>,
    /// The hash of the reference of the pushed request that it is or came of.
    pushed: Option<Vec<u8>>,
}

async fn handle(
    endpoint: &AuthorizationEndpoint,
    headers: &HeaderMap,
    caller: &ClientInfo,
    raw: &str,
) -> Response {
    if raw.len() > MAX_REQUEST_BYTES {
        return too_long_page(endpoint);
    }
    match pending::load(endpoint, headers, raw).await {
        Ok(loaded) => {
            proceed(
                endpoint,
                (headers, caller),
                loaded,
                Interaction::None { query: raw },
            )
            .await
        }
        Err(page) => page,
    }
}

/// Decides a request and responds to it.
async fn proceed(
    endpoint: &AuthorizationEndpoint,
    (headers, caller): (&HeaderMap, &ClientInfo),
    loaded: LoadedRequest,
    interaction: Interaction<'_>,
) -> Response {
    let LoadedRequest {
        request,
        resumed,
        pushed,
    } = loaded;
    let client = match endpoint.clients.find(&request.client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => return page_error(endpoint, &PageError::UnknownClient),
        Err(error) => return Problem::from(error).into_response(),
    };
    let hint_keys = endpoint.keys.current().hint_keys();
    let server = endpoint.issuer.server(&hint_keys);
    let refused = RefusedRequest {
        endpoint,
        headers,
        client: &client,
        request: &request,
        interaction,
    };
    let opened = match open(endpoint, caller, &client, &request, server).await {
        Ok(opened) => opened,
        Err(error) => return refused.respond(error).await,
    };
    let now = endpoint.clock.now().as_secs();
    let response = match check_request(&opened, &client, server, now) {
        Err(error) => {
            pending::mark_answered(endpoint, resumed.as_ref()).await;
            return refused.with_opened(&opened).respond(error).await;
        }
        Ok(checked) => {
            let browser = BrowserRequest {
                endpoint,
                headers,
                caller,
                request: &opened,
                client: &client,
                resumed: resumed.as_ref(),
                pushed: pushed.as_deref(),
                interaction,
            };
            match respond::respond(&browser, &checked).await {
                Outcome::Code(response) => return send(endpoint, &client, response),
                Outcome::Refuse(response) => response,
                Outcome::Interact(response) => return response,
            }
        }
    };
    pending::mark_answered(endpoint, resumed.as_ref()).await;
    send(endpoint, &client, response)
}

/// Checks a request against its client. Nobody has vouched for the sector of some clients: [`check`] does not know who registered
/// the client.
fn check_request<'a>(
    request: &UnverifiedAuthorizationRequest,
    client: &'a Client,
    server: AuthorizationServer<'a>,
    now: i64,
) -> Result<CheckedRequest<'a>, AuthorizationError> {
    let checked = check(request, client.registered(), server, now)?;
    match client.check_grant(GrantType::AuthorizationCode) {
        Ok(()) => Ok(checked),
        Err(error) => Err(checked.target().error(error).into()),
    }
}

/// Opens the request object of a request, if it has one (RFC 9101).
async fn open<'r>(
    endpoint: &AuthorizationEndpoint,
    caller: &ClientInfo,
    client: &Client,
    request: &'r UnverifiedAuthorizationRequest,
    server: AuthorizationServer<'_>,
) -> Result<Cow<'r, UnverifiedAuthorizationRequest>, AuthorizationError> {
    if !request.has_request_object() {
        return Ok(Cow::Borrowed(request));
    }
    let opened = endpoint
        .clients
        .open_request(client, request.clone(), server, caller.ip)
        .await;
    opened
        .map(Cow::Owned)
        .map_err(|error| refuse_request_object(request, client.registered(), server, error))
}

/// Sends a response to the client by its response mode. A response that cannot be signed becomes an unsigned
/// error.
fn send(endpoint: &AuthorizationEndpoint, client: &Client, response: AuthorizationResponse) -> Response {
    let algorithm = client.metadata.authorization_signed_response_alg;
    let sign = |claims: &ResponseClaims| endpoint.keys.sign(algorithm, TYP_AUTHORIZATION_RESPONSE, claims);
    let now = endpoint.clock.now().as_secs();
    let encoded = response.clone().encode(now, sign).or_else(|error| {
        let error = unsigned(&error);
        response
            .unsigned(respond::unavailable(&error))
            .encode(now, |_| Err(error))
    });
    match encoded {
        Ok(EncodedResponse::Redirect(url)) => see_other(&url),
        Ok(EncodedResponse::FormPost { action, fields }) => {
            pages::form_post_page(&endpoint.pages, client.display_name(), &action, &fields)
        }
        Err(problem) => problem.into_response(),
    }
}

/// An error that is shown on a page and never redirected (SB-20).
fn page_error(endpoint: &AuthorizationEndpoint, error: &PageError) -> Response {
    error_page(endpoint, &format!("{error}."))
}

fn error_page(endpoint: &AuthorizationEndpoint, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-in request does not work",
        format!("{why} You did nothing wrong: please tell the people who run the application."),
    );
    pages::error_page(&endpoint.pages, &page)
}

fn too_long_page(endpoint: &AuthorizationEndpoint) -> Response {
    error_page(
        endpoint,
        "The application asks for more than fits in a request: 12 KiB.",
    )
}

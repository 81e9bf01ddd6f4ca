//! `GET` and `POST /oauth2/authorize`: authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! [`oidc::authorize`] decides. `mod.rs` reads the request and its client, `respond.rs` reads the session and
//! carries the decision out, and `pending.rs` saves and loads the request while the person signs in.

mod pending;
mod respond;

use std::sync::Arc;

use axum::extract::{FromRef, RawQuery, State};
use axum::response::{IntoResponse, Response};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::{ClientInfo, Problem, see_other};
use chassis::secret::Token;
use contract::paths::auth::AUTHORIZE;
use http::{HeaderMap, StatusCode};
use oidc::authorize::{AuthorizationError, PageError, UnverifiedAuthorizationRequest, check};
use oidc::params::Params;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::SharedApp;
use crate::authorization_requests::{AuthorizationRequest, AuthorizationRequests, MAX_REQUEST_BYTES};
use crate::clients::{Client, Clients};
use crate::keys::KeyRing;
use crate::pages::{self, ErrorPage, Pages};
use crate::sessions::Sessions;
use crate::tokens::{Issuer, Tokens};
use respond::AuthorizationResponse;

/// The collaborators of the authorization endpoint.
#[derive(Clone)]
pub(crate) struct AuthorizationEndpoint {
    authorization_requests: AuthorizationRequests,
    clients: Clients,
    clock: SharedClock,
    db: Db,
    issuer: Arc<Issuer>,
    keys: KeyRing,
    pages: Arc<Pages>,
    sessions: Sessions,
    tokens: Tokens,
}

impl FromRef<SharedApp> for AuthorizationEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            authorization_requests: app.authorization_requests.clone(),
            clients: app.clients.clone(),
            clock: Arc::clone(&app.clock),
            db: app.db.clone(),
            issuer: Arc::clone(&app.issuer),
            keys: app.keys.clone(),
            pages: Arc::clone(&app.pages),
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
}

/// A saved request and its handle.
struct ResumedRequest {
    handle: Token,
    request: AuthorizationRequest,
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
    let (request, resumed) = match pending::load(endpoint, headers, raw).await {
        Ok(loaded) => loaded,
        Err(page) => return page,
    };
    let client = match endpoint.clients.find(&request.client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => return page_error(endpoint, &PageError::UnknownClient),
        Err(error) => return Problem::from(error).into_response(),
    };
    let hint_keys = endpoint.keys.current().hint_keys();
    let server = endpoint.issuer.server(&hint_keys);
    let url = match check(
        &request,
        client.registered(),
        server,
        endpoint.clock.now().as_secs(),
    ) {
        Err(AuthorizationError::Page(error)) => return page_error(endpoint, &error),
        Err(AuthorizationError::Redirect(error)) => error.url(),
        Ok(checked) => {
            let browser = BrowserRequest {
                endpoint,
                headers,
                caller,
                request: &request,
                client: &client,
                resumed: resumed.as_ref(),
            };
            match respond::respond(&browser, &checked).await {
                AuthorizationResponse::Redirect(url) => url,
                AuthorizationResponse::SignIn(response) => return response,
            }
        }
    };
    if let Some(resumed) = &resumed
        && let Err(error) = endpoint
            .authorization_requests
            .mark_answered(&resumed.handle)
            .await
    {
        tracing::warn!(error.message = %error, "authorization request could not be marked as answered: it can be answered until it expires");
    }
    see_other(&url)
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

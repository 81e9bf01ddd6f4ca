//! `GET` and `POST /oauth2/logout`: end-session endpoint (OpenID Connect RP-Initiated Logout §2).

use std::sync::Arc;

use axum::extract::{FromRef, RawQuery, State};
use axum::response::Response;
use chassis::clock::SharedClock;
use chassis::http::{Problem, see_other};
use contract::paths::auth::{END_SESSION, LOGOUT};
use http::{HeaderMap, StatusCode};
use oidc::logout::{CheckedLogout, Decision, LogoutError, LogoutRequest};
use oidc::params::Params;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::SharedApp;
use crate::clients::{Client, Clients, Origin};
use crate::keys::KeyRing;
use crate::pages::{self, ErrorPage, LogoutConfirmation, LogoutFrames, Pages};
use crate::sessions::{Session, Sessions};
use crate::tokens::Issuer;

/// The collaborators of the end-session endpoint.
#[derive(Clone)]
pub(crate) struct LogoutEndpoint {
    clients: Clients,
    clock: SharedClock,
    frames: LogoutFrames,
    issuer: Arc<Issuer>,
    keys: KeyRing,
    pages: Arc<Pages>,
    sessions: Sessions,
}

impl FromRef<SharedApp> for LogoutEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            clients: app.clients.clone(),
            clock: Arc::clone(&app.clock),
            frames: LogoutFrames::from_ref(app),
            issuer: Arc::clone(&app.issuer),
            keys: app.keys.clone(),
            pages: Arc::clone(&app.pages),
            sessions: app.sessions.clone(),
        }
    }
}

/// `GET /oauth2/logout`: end-session endpoint. It ends a session only with a valid hint (SB-16, SB-30).
pub(crate) async fn get(
    State(endpoint): State<LogoutEndpoint>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    handle(&endpoint, &headers, &query.unwrap_or_default(), None).await
}

/// `POST /oauth2/logout`: end-session endpoint, for applications and for our confirmation page.
pub(crate) async fn post(
    State(endpoint): State<LogoutEndpoint>,
    headers: HeaderMap,
    form: Result<FormBody, OAuthErrorResponse>,
) -> Result<Response, Problem> {
    let Ok(FormBody(form)) = form else {
        return Ok(text_page(&endpoint, "The request is not a form."));
    };
    let params = match Params::parse(&form, &[]) {
        Ok(params) => params,
        Err(error) => return Ok(error_page(&endpoint, &error.into())),
    };
    let confirmation = params.get("csrf");
    if pages::session_token(&endpoint.pages, &headers).is_none() {
        // A browser sends no cookie with a POST from another site. The redirect makes it a GET, which has the
        // cookie. Another site may send any `csrf`, so its presence proves nothing.
        return Ok(see_other(
            &endpoint
                .pages
                .local(&format!("{END_SESSION}?{}", params.encoded(&["csrf"]))),
        ));
    }
    handle(&endpoint, &headers, &form, confirmation).await
}

async fn handle(
    endpoint: &LogoutEndpoint,
    headers: &HeaderMap,
    raw: &str,
    confirmation: Option<&str>,
) -> Result<Response, Problem> {
    let request = match LogoutRequest::parse(raw) {
        Ok(request) => request,
        Err(error) => return Ok(error_page(endpoint, &error)),
    };
    let hint_keys = endpoint.keys.current().hint_keys();
    let server = endpoint.issuer.server(&hint_keys);
    let hinted = match request.verify_hint(server, endpoint.clock.now().as_secs()) {
        Ok(hinted) => hinted,
        Err(error) => return Ok(error_page(endpoint, &error)),
    };
    let client = match hinted.client_id() {
        Some(id) => endpoint.clients.find(id).await?,
        None => None,
    };
    let logout = match hinted.check(client.as_deref().map(Client::registered)) {
        Ok(logout) => logout,
        Err(error) => return Ok(error_page(endpoint, &error)),
    };
    let session = match pages::session_token(&endpoint.pages, headers) {
        Some(token) => endpoint.sessions.find(&token).await?,
        None => None,
    };
    // As `sid` of the hint has it.
    let session_id = session.as_ref().map(|session| match &client {
        Some(client) => endpoint.keys.session(client.registered(), session.id),
        None => session.id.to_string(),
    });
    match (
        logout.decide(session_id.as_deref(), confirmation.is_some()),
        session,
    ) {
        (Decision::Confirm, _) => {
            let page = confirmation_page(endpoint, headers, &request, &logout, client.as_deref());
            Ok(page)
        }
        (Decision::EndSession, Some(session)) => {
            if let Some(csrf) = confirmation
                && let Err(error) = pages::check_form(&endpoint.pages, headers, csrf)
            {
                return Ok(pages::error_page(&endpoint.pages, &error));
            }
            sign_out(endpoint, &session, &logout).await
        }
        (Decision::SignedOut | Decision::EndSession, _) => {
            // Nobody is signed out, so that a link would lead at once to whatever address its author registered (RFC 9700 §4.11.2, SB-20).
            let registered_itself = client.is_some_and(|client| client.origin == Origin::Registration);
            match logout.destination().filter(|_| registered_itself) {
                Some(destination) => Ok(pages::signed_out_with_link(&endpoint.pages, destination)),
                None => Ok(redirect_signed_out(endpoint, &logout)),
            }
        }
    }
}

/// Ends a session, and shows the frames of the clients that want them (OpenID Connect Front-Channel Logout §3).
async fn sign_out(
    endpoint: &LogoutEndpoint,
    session: &Session,
    logout: &CheckedLogout,
) -> Result<Response, Problem> {
    let ended = endpoint.sessions.sign_out(session).await?;
    let frames = endpoint.frames.urls(session, &ended).await?;
    if frames.is_empty() {
        return Ok(redirect_signed_out(endpoint, logout));
    }
    let destination = logout.destination();
    Ok(pages::signed_out_with_frames(
        &endpoint.pages,
        frames,
        destination,
    ))
}

fn confirmation_page(
    endpoint: &LogoutEndpoint,
    headers: &HeaderMap,
    request: &LogoutRequest,
    logout: &CheckedLogout,
    client: Option<&Client>,
) -> Response {
    let hidden: Vec<(&str, &str)> = request.parameters().collect();
    let question = LogoutConfirmation {
        client_name: client.map(Client::display_name),
        action: END_SESSION,
        hidden: &hidden,
        leads_out: logout.destination().is_some(),
    };
    pages::logout_confirmation(&endpoint.pages, headers, &question)
}

fn redirect_signed_out(endpoint: &LogoutEndpoint, logout: &CheckedLogout) -> Response {
    let mut response = match logout.destination() {
        Some(destination) => see_other(destination),
        None => see_other(&endpoint.pages.local(LOGOUT)),
    };
    pages::clear_browser_state(&endpoint.pages, &mut response);
    response
}

fn error_page(endpoint: &LogoutEndpoint, error: &LogoutError) -> Response {
    text_page(endpoint, &format!("{error}."))
}

fn text_page(endpoint: &LogoutEndpoint, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-out request does not work",
        why,
    );
    pages::error_page(&endpoint.pages, &page.with_action("Sign out here", LOGOUT))
}

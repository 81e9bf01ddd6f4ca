//! `GET /forward-auth/sign-in`: a browser comes from a protected host, signs in if it has to, and goes back with a ticket.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::http::{Problem, Query, see_other};
use contract::paths::auth::{FORWARD_AUTH_SIGN_IN, HOST_CALLBACK, LOGIN, LOGOUT};
use forward_auth::{Origin, ReturnPath};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use url::form_urlencoded;

use crate::app::SharedApp;
use crate::host_sessions::{HostSessions, NewTicket};
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;
use crate::html::{ErrorPage, Pages};
use crate::protected_hosts::{ProtectedHost, ProtectedHosts};
use crate::sessions::Sessions;
use crate::subjects::{Subject, Subjects};

/// The length of SHA-256.
const HASH_BYTES: usize = 32;

/// The collaborators of the endpoint.
#[derive(Clone)]
pub(crate) struct HostSignInEndpoint {
    pages: Arc<Pages>,
    hosts: ProtectedHosts,
    host_sessions: HostSessions,
    sessions: Sessions,
    subjects: Subjects,
}

impl FromRef<SharedApp> for HostSignInEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: Arc::clone(&app.pages),
            hosts: app.protected_hosts.clone(),
            host_sessions: app.host_sessions.clone(),
            sessions: app.sessions.clone(),
            subjects: app.subjects.clone(),
        }
    }
}

/// The query. A browser gets it from the protected host.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInQuery {
    /// The origin of the host.
    host: String,
    /// SHA-256 of the nonce in the cookie of the host, in base64url.
    nonce: String,
    /// The path and query to go back to.
    #[serde(default)]
    return_to: String,
}

/// `GET /forward-auth/sign-in`: redirects to the host with a ticket, or to the sign-in page.
pub(crate) async fn get(
    State(endpoint): State<HostSignInEndpoint>,
    headers: HeaderMap,
    query: Result<Query<SignInQuery>, Problem>,
) -> Result<Response, PageError> {
    let Query(query) = query?;
    let nonce = URL_SAFE_NO_PAD.decode(&query.nonce).unwrap_or_default();
    let origin = Origin::parse(&query.host).ok();
    let host = match &origin {
        Some(origin) => endpoint.hosts.find(origin).await?,
        None => None,
    };
    // A redirect goes to registered hosts only (SB-20).
    let Some(host) = host.filter(|_| nonce.len() == HASH_BYTES) else {
        return Err(unknown_host().into());
    };
    let return_path = ReturnPath::parse(&query.return_to);
    let session = match endpoint.pages.session_token(&headers) {
        Some(token) => endpoint.sessions.find(&token).await?,
        None => None,
    };
    let Some(session) = session else {
        return Ok(endpoint.redirect_to_login(&host, &query.nonce, &return_path));
    };
    let subject = endpoint.subjects.find(session.account_id).await?;
    let Some(subject) = subject.filter(|subject| subject.active) else {
        return Ok(endpoint.redirect_to_login(&host, &query.nonce, &return_path));
    };
    if !host.settings.rules.host_groups().is_met_by(&subject.groups) {
        return Err(not_allowed(&host, &subject).into());
    }
    let new = NewTicket {
        origin: &host.origin,
        session_id: session.id,
        nonce: &nonce,
        return_path: &return_path,
    };
    let Some(ticket) = endpoint.host_sessions.issue_ticket(new).await? else {
        return Err(too_many().into());
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("ticket", ticket.expose())
        .finish();
    Ok(see_other(&format!("{}{HOST_CALLBACK}?{query}", host.origin)))
}

impl HostSignInEndpoint {
    fn redirect_to_login(&self, host: &ProtectedHost, nonce: &str, return_path: &ReturnPath) -> Response {
        let query = sign_in_query(&host.origin, nonce, return_path);
        let back = ReturnTo::parse(&format!("{FORWARD_AUTH_SIGN_IN}?{query}"));
        self.pages.redirect(&back.link(LOGIN))
    }
}

/// The query of `/forward-auth/sign-in`.
pub(super) fn sign_in_query(origin: &Origin, nonce: &str, return_path: &ReturnPath) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("host", &origin.to_string())
        .append_pair("nonce", nonce)
        .append_pair("return_to", return_path.as_str())
        .finish()
}

fn unknown_host() -> ErrorPage {
    ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This link leads nowhere",
        "The application that you come from is not registered here, or the link is not complete.",
    )
    .with_action("Go to the start page", "/")
}

fn not_allowed(host: &ProtectedHost, subject: &Subject) -> ErrorPage {
    let name = &host.settings.name;
    ErrorPage::new(
        StatusCode::FORBIDDEN,
        format!("You may not use {name}"),
        format!(
            "You are signed in as {}. If you need {name}, ask the people who look after it.",
            subject.user_name
        ),
    )
    .with_action("Sign out", LOGOUT)
}

fn too_many() -> ErrorPage {
    ErrorPage::new(
        StatusCode::TOO_MANY_REQUESTS,
        "Just a moment",
        "This browser has asked for too many sign-ins at once. Please go back and try again in a minute.",
    )
    .with_retry_after(std::time::Duration::from_secs(60))
}

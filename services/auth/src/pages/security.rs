//! `GET /security`, `POST /security/sessions` and `POST /security/applications`: the page on which a person sees where they
//! are signed in and which applications have access to their account, and ends either.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use contract::paths::auth::{LOGIN, LOGOUT, SECURITY};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use uuid::Uuid;

use super::home::day_and_time;
use super::logout::clear_browser_state;
use super::session::BrowserSessions;
use crate::app::SharedApp;
use crate::clients::Clients;
use crate::consents::{ConnectedClient, Consents};
use crate::html::Pages;
use crate::html::page_error::{FormFields, PageError};
use crate::html::view::{AccessItem, ApplicationItem, Security, SessionItem};
use crate::scopes::Scopes;
use crate::sessions::{LiveSession, Session, Sessions};
use crate::tokens::Issuer;

/// The dependencies of the page.
#[derive(Clone)]
pub(crate) struct SecurityPage {
    pages: Arc<Pages>,
    browser: BrowserSessions,
    clients: Clients,
    consents: Consents,
    issuer: Arc<Issuer>,
    scopes: Scopes,
    sessions: Sessions,
}

impl FromRef<SharedApp> for SecurityPage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            clients: FromRef::from_ref(app),
            consents: FromRef::from_ref(app),
            issuer: Arc::clone(&app.issuer),
            scopes: FromRef::from_ref(app),
            sessions: FromRef::from_ref(app),
        }
    }
}

/// The fields of the form that ends a session.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndSessionForm {
    #[serde(default)]
    csrf: String,
    session_id: Uuid,
}

/// The fields of the form that withdraws the access of an application.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawForm {
    #[serde(default)]
    csrf: String,
    client_id: String,
}

/// `GET /security`: the sessions and the connected applications, or a redirect to the sign-in page.
pub(crate) async fn show(
    State(state): State<SecurityPage>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match state.browser.current(&headers).await? {
        Some(session) => page(&state, &headers, &session, StatusCode::OK).await,
        None => Ok(state.pages.redirect(LOGIN)),
    }
}

/// `POST /security/sessions`: ends one session of the person, which may be that of this browser.
pub(crate) async fn end_session(
    State(state): State<SecurityPage>,
    headers: HeaderMap,
    FormFields(form): FormFields<EndSessionForm>,
) -> Result<Response, PageError> {
    let session = match authorized(&state, &headers, &form.csrf).await? {
        Ok(session) => session,
        Err(response) => return Ok(response),
    };
    // A session that is over by now, or somebody else's, is not in the list that is shown next.
    let ended = state.sessions.revoke(session.account_id, form.session_id).await?;
    if ended {
        tracing::info!(event.action = "sign-out", event.outcome = "success", user.id = %session.account_id, "user ended a session of theirs");
    }
    if ended && form.session_id == session.id {
        let mut response = state.pages.redirect(LOGOUT);
        clear_browser_state(&state.pages, &mut response);
        return Ok(response);
    }
    Ok(state.pages.redirect(SECURITY))
}

/// `POST /security/applications`: withdraws the access of an application.
pub(crate) async fn withdraw(
    State(state): State<SecurityPage>,
    headers: HeaderMap,
    FormFields(form): FormFields<WithdrawForm>,
) -> Result<Response, PageError> {
    let session = match authorized(&state, &headers, &form.csrf).await? {
        Ok(session) => session,
        Err(response) => return Ok(response),
    };
    if state
        .consents
        .withdraw(session.account_id, &form.client_id)
        .await?
    {
        tracing::info!(event.action = "consent-withdrawn", event.outcome = "success", user.id = %session.account_id, client.id = form.client_id, "user withdrew the access of an application");
    }
    Ok(state.pages.redirect(SECURITY))
}

/// The session of the browser that sent a form; or else the response: the page once more for a form that is out of date, or a
/// redirect to the sign-in page.
async fn authorized(
    state: &SecurityPage,
    headers: &HeaderMap,
    csrf: &str,
) -> Result<Result<Session, Response>, PageError> {
    let is_current = state.pages.is_current_form(headers, csrf)?;
    match state.browser.current(headers).await? {
        Some(session) if is_current => Ok(Ok(session)),
        Some(session) => Ok(Err(page(state, headers, &session, StatusCode::FORBIDDEN).await?)),
        None => Ok(Err(state.pages.redirect(LOGIN))),
    }
}

async fn page(
    state: &SecurityPage,
    headers: &HeaderMap,
    session: &Session,
    status: StatusCode,
) -> Result<Response, PageError> {
    let sessions = state.sessions.list(session.account_id).await?;
    let mut applications = Vec::new();
    for connected in state.consents.connections(session.account_id).await? {
        let client = state.clients.find(&connected.client_id).await?;
        let name = client.map_or_else(
            || connected.client_id.clone(),
            |client| client.display_name().to_owned(),
        );
        applications.push(application_item(state, name, connected));
    }
    let (csrf, browser) = state.pages.form_token(headers).into_parts();
    let view = Security {
        page: state.pages.page(),
        csrf,
        sessions: sessions
            .into_iter()
            .map(|live| session_item(live, session.id))
            .collect(),
        applications,
    };
    Ok(state.pages.show_form(status, &view, browser.as_ref()))
}

fn session_item(live: LiveSession, current: Uuid) -> SessionItem {
    let used = day_and_time(live.last_seen_at);
    let from = live.client_ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
    SessionItem {
        id: live.id.to_string(),
        browser: browser_name(live.user_agent.as_deref().unwrap_or_default()),
        detail: format!(
            "Signed in{from} on {}; last used on {used}.",
            day_and_time(live.auth_time)
        ),
        is_current: live.id == current,
    }
}

fn application_item(state: &SecurityPage, name: String, connected: ConnectedClient) -> ApplicationItem {
    // An application without services of its own has those of Vestibule, which the consent page does not name either.
    let own = state.issuer.audiences();
    let is_own = |audience: &String| own.iter().any(|known| known.as_str() == audience);
    let item = |scopes: Vec<&str>, services: Vec<String>| AccessItem {
        permissions: scopes
            .into_iter()
            .map(|scope| state.scopes.permission(scope))
            .collect(),
        services,
    };
    let (at_own, elsewhere): (Vec<_>, Vec<_>) = connected
        .access
        .iter()
        .partition(|access| access.audiences.iter().all(is_own));
    let mut scopes_at_own: Vec<&str> = Vec::new();
    for scope in at_own.into_iter().flat_map(|access| access.scope.iter()) {
        if !scopes_at_own.contains(&scope) {
            scopes_at_own.push(scope);
        }
    }
    let mut access = Vec::new();
    if !scopes_at_own.is_empty() {
        access.push(item(scopes_at_own, Vec::new()));
    }
    access.extend(elsewhere.into_iter().map(|access| {
        let services = access.audiences.iter().cloned().collect();
        item(access.scope.iter().collect(), services)
    }));
    ApplicationItem {
        name,
        since: format!("Has had access since {}.", day_and_time(connected.since)),
        access,
        client_id: connected.client_id,
    }
}

/// The name of a browser and of its system, as people know them, by the header `User-Agent` (RFC 9110 §10.1.5).
fn browser_name(user_agent: &str) -> String {
    // The order matters: most browsers name others too.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let first = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(mark, _)| user_agent.contains(mark));
        known.map(|(_, name)| *name)
    };
    match (first(&BROWSERS), first(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if user_agent.is_empty() => "Unknown browser".to_owned(),
        (None, None) => user_agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0".to_owned(), "Firefox on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64) {webkit} Chrome/130.0 Safari/537.36 Edg/130.0"), "Edge on Windows"),
            (format!("Mozilla/5.0 (Linux; Android 15) {webkit} Chrome/130.0 Mobile Safari/537.36"), "Chrome on Android"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15".to_owned(), "Safari on macOS"),
            ("curl/8.0".to_owned(), "curl/8.0"),
            (String::new(), "Unknown browser"),
        ] {
            assert_eq!(browser_name(&agent), name, "{agent}");
        }
    }
}

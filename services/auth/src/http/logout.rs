//! `GET` and `POST /oauth2/logout`: end-session endpoint (OpenID Connect RP-Initiated Logout §2).

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chassis::http::{Problem, see_other};
use http::{HeaderMap, StatusCode};
use oidc::logout::{CheckedLogout, Decision, LogoutError, LogoutRequest};
use oidc::params::Params;

use super::oauth_endpoint::{FormBody, OAuthErrorResponse};
use crate::app::{App, SharedApp};
use crate::clients::Client;
use crate::pages::{self, ErrorPage, LogoutConfirmation};
use crate::sessions::{Session, SessionEnd};

/// `GET /oauth2/logout`: end-session endpoint. It ends a session only with a valid hint (SB-16, SB-30).
pub(crate) async fn get(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    handle(&app, &headers, &query.unwrap_or_default(), None).await
}

/// `POST /oauth2/logout`: end-session endpoint, for applications and for our confirmation page.
pub(crate) async fn post(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    form: Result<FormBody, OAuthErrorResponse>,
) -> Result<Response, Problem> {
    let Ok(FormBody(form)) = form else {
        return Ok(text_page(&app, "The request is not a form."));
    };
    let params = match Params::parse(&form, &[]) {
        Ok(params) => params,
        Err(error) => return Ok(error_page(&app, &error.into())),
    };
    let confirmation = params.get("csrf");
    if pages::session_token(&app.pages, &headers).is_none() {
        // A browser sends no cookie with a POST from another site. The redirect makes it a GET, which has the
        // cookie. Another site may send any `csrf`, so its presence proves nothing.
        return Ok(see_other(
            &app.pages
                .local(&format!("/oauth2/logout?{}", params.encoded(&["csrf"]))),
        ));
    }
    handle(&app, &headers, &form, confirmation).await
}

async fn handle(
    app: &App,
    headers: &HeaderMap,
    raw: &str,
    confirmation: Option<&str>,
) -> Result<Response, Problem> {
    let request = match LogoutRequest::parse(raw) {
        Ok(request) => request,
        Err(error) => return Ok(error_page(app, &error)),
    };
    let hint_keys = app.keys.current().hint_keys();
    let server = app.issuer.server(&hint_keys);
    let hinted = match request.verify_hint(server, app.clock.now().as_secs()) {
        Ok(hinted) => hinted,
        Err(error) => return Ok(error_page(app, &error)),
    };
    let client = match hinted.client_id() {
        Some(id) => app.clients.find(id).await?,
        None => None,
    };
    let logout = match hinted.check(client.as_deref().map(Client::registered)) {
        Ok(logout) => logout,
        Err(error) => return Ok(error_page(app, &error)),
    };
    let session = match pages::session_token(&app.pages, headers) {
        Some(token) => app.sessions.find(&token).await?,
        None => None,
    };
    let session_id = session.as_ref().map(|session| session.id.to_string());
    match (
        logout.decide(session_id.as_deref(), confirmation.is_some()),
        session,
    ) {
        (Decision::Confirm, _) => {
            return Ok(confirmation_page(
                app,
                headers,
                &request,
                &logout,
                client.as_deref(),
            ));
        }
        (Decision::EndSession, Some(session)) => {
            if let Some(csrf) = confirmation
                && let Err(error) = pages::check_form(&app.pages, headers, csrf)
            {
                return Ok(pages::error_page(&app.pages, &error));
            }
            end_session(app, &session).await?;
        }
        (Decision::SignedOut | Decision::EndSession, _) => {}
    }
    Ok(redirect_signed_out(app, &logout))
}

async fn end_session(app: &App, session: &Session) -> Result<(), Problem> {
    let mut tx = app.db.begin("oauth_sign_out").await?;
    app.sessions
        .end(&mut tx, session.id, SessionEnd::SignedOut)
        .await?;
    tx.commit().await?;
    tracing::info!(event.action = "sign-out", event.outcome = "success", user.id = %session.account_id, "user signed out");
    Ok(())
}

fn confirmation_page(
    app: &App,
    headers: &HeaderMap,
    request: &LogoutRequest,
    logout: &CheckedLogout,
    client: Option<&Client>,
) -> Response {
    let hidden: Vec<(&str, &str)> = request.parameters().collect();
    let question = LogoutConfirmation {
        client_name: client.map(Client::display_name),
        action: "/oauth2/logout",
        hidden: &hidden,
        leads_out: logout.destination().is_some(),
    };
    pages::logout_confirmation(&app.pages, headers, &question)
}

fn redirect_signed_out(app: &App, logout: &CheckedLogout) -> Response {
    let mut response = match logout.destination() {
        Some(destination) => see_other(destination),
        None => see_other(&app.pages.local("/logout")),
    };
    pages::clear_browser_state(&app.pages, &mut response);
    response
}

fn error_page(app: &App, error: &LogoutError) -> Response {
    text_page(app, &format!("{error}."))
}

fn text_page(app: &App, why: &str) -> Response {
    let page = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This sign-out request does not work",
        why,
    );
    pages::error_page(&app.pages, &page.with_action("Sign out here", "/logout"))
}

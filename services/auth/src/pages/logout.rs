//! `GET` and `POST /logout`: the sign-out page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use contract::paths::auth::LOGOUT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::session::BrowserSessions;
use crate::html::cookies::Cookie;
use crate::html::forms::{LogoutConfirmation, logout_confirmation};
use crate::html::page_error::{FormFields, PageError};
use crate::html::render::Pages;
use crate::html::view::Logout;
use crate::sessions::Sessions;

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogoutInput {
    #[serde(default)]
    csrf: String,
}

/// `GET /logout`: asks for confirmation, or says that the person is signed out.
pub(crate) async fn show(
    State(pages): State<Arc<Pages>>,
    State(browser): State<BrowserSessions>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(match browser.current(&headers).await? {
        Some(_) => confirmation_page(&pages, &headers),
        None => signed_out_page(&pages),
    })
}

/// `POST /logout`: ends the session.
pub(crate) async fn submit(
    State(pages): State<Arc<Pages>>,
    State(browser): State<BrowserSessions>,
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    FormFields(form): FormFields<LogoutInput>,
) -> Result<Response, PageError> {
    let is_fresh = pages.is_current_form(&headers, &form.csrf)?;
    let session = browser.current(&headers).await?;
    match (is_fresh, session) {
        (false, Some(_)) => {
            let mut response = confirmation_page(&pages, &headers);
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        (false, None) => return Ok(pages.redirect(LOGOUT)),
        (true, Some(session)) => sessions.sign_out(&session).await?,
        (true, None) => {}
    }
    let mut response = pages.redirect(LOGOUT);
    clear_browser_state(&pages, &mut response);
    Ok(response)
}

/// Clears the cookies and the cached pages of the browser (SB-18). The cookie of a known device stays, so
/// that guesses elsewhere cannot lock the owner out.
pub fn clear_browser_state(pages: &Pages, response: &mut Response) {
    for cookie in [Cookie::Session, Cookie::Browser, Cookie::Registration] {
        pages.clear_cookie(response, cookie);
    }
    // "cookies" would clear those of every host under the same registrable domain, the applications' too.
    // "storage" is left out where other applications share the origin. Our pages store nothing.
    let what = match pages.shares_its_origin() {
        true => "\"cache\"",
        false => "\"cache\", \"storage\"",
    };
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static(what),
    );
}

fn confirmation_page(pages: &Pages, headers: &HeaderMap) -> Response {
    let confirmation = LogoutConfirmation {
        client_name: None,
        action: LOGOUT,
        hidden: &[],
        leads_out: false,
    };
    logout_confirmation(pages, headers, &confirmation)
}

fn signed_out_page(pages: &Pages) -> Response {
    let page = pages.page();
    let view = Logout {
        heading: "You are signed out",
        lead: format!("You have left {}. See you soon.", page.brand.name),
        form: None,
        leads_out: false,
        page,
    };
    pages.show(StatusCode::OK, &view)
}

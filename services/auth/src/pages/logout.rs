//! `GET` and `POST /logout`: the sign-out page.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::db::DbError;
use contract::paths::auth::LOGOUT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oidc::logout::front_channel_url;
use serde::Deserialize;
use url::{Position, Url};

use super::session::BrowserSessions;
use crate::app::SharedApp;
use crate::clients::Clients;
use crate::html::cookies::Cookie;
use crate::html::forms::{LogoutConfirmation, logout_confirmation};
use crate::html::page_error::{FormFields, PageError};
use crate::html::render::Pages;
use crate::html::view::{Logout, SignedOut};
use crate::keys::KeyRing;
use crate::sessions::{Session, Sessions};
use crate::tokens::Issuer;

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
    State(frames): State<LogoutFrames>,
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
        (true, Some(session)) => {
            let ended = sessions.sign_out(&session).await?;
            let frames = frames.urls(&session, &ended).await?;
            if !frames.is_empty() {
                return Ok(signed_out_with_frames(&pages, frames, None));
            }
        }
        (true, None) => {}
    }
    let mut response = pages.redirect(LOGOUT);
    clear_browser_state(&pages, &mut response);
    Ok(response)
}

/// The page after a sign-out, on which applications hear of it in frames. `destination` is where the browser goes on.
pub fn signed_out_with_frames(pages: &Pages, frames: Vec<String>, destination: Option<&str>) -> Response {
    show_signed_out(pages, frames, destination, None)
}

/// The page that says that nobody is signed in, with a link to `destination`, the address of an application that registered itself.
pub fn signed_out_with_link(pages: &Pages, destination: &str) -> Response {
    let url = Url::parse(destination).ok();
    let site = url
        .as_ref()
        .filter(|url| url.has_host())
        .map_or("a program on this device", |url| {
            &url[Position::BeforeHost..Position::AfterPort]
        });
    show_signed_out(pages, Vec::new(), Some(destination), Some(site))
}

fn show_signed_out(
    pages: &Pages,
    frames: Vec<String>,
    destination: Option<&str>,
    unchecked_site: Option<&str>,
) -> Response {
    let view = SignedOut {
        page: pages.page(),
        frames,
        destination,
        unchecked_site,
    };
    let mut response = pages.show(StatusCode::OK, &view);
    clear_browser_state(pages, &mut response);
    response
}

/// The frames in which applications hear of a sign-out (OpenID Connect Front-Channel Logout §2).
#[derive(Clone)]
pub struct LogoutFrames {
    clients: Clients,
    issuer: Arc<Issuer>,
    keys: KeyRing,
}

impl FromRef<SharedApp> for LogoutFrames {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            clients: app.clients.clone(),
            issuer: Arc::clone(&app.issuer),
            keys: app.keys.clone(),
        }
    }
}

impl LogoutFrames {
    /// The URLs of the frames for the clients that took part in a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn urls(&self, session: &Session, clients: &[String]) -> Result<Vec<String>, DbError> {
        let mut urls = Vec::new();
        for id in clients {
            let Some(client) = self.clients.find(id).await? else {
                continue;
            };
            // The URL has the identifier of the session in the sector of the client.
            if client.check_proof_of_sector().is_err() {
                continue;
            }
            if let Some(uri) = &client.metadata.frontchannel_logout_uri {
                let sid = self.keys.session(client.registered(), session.id);
                urls.push(front_channel_url(uri, self.issuer.url(), &sid));
            }
        }
        Ok(urls)
    }
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

//! `GET` and `POST /register/wait`: the status page of a registration.
//!
//! The page refreshes itself while the registration is pending. Signing in at the end is a POST, because a
//! GET changes nothing. Only the browser that registered may do it.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::db::DbError;
use chassis::http::{Problem, Query};
use contract::paths::auth::{LOGIN, REGISTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use uuid::Uuid;

use super::double_click::{FormProcessor, FormSubmission, SubmittedForm};
use super::session::{BrowserSessions, registration_status_path};
use crate::accounts::SignedIn;
use crate::app::SharedApp;
use crate::html::Pages;
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;
use crate::html::view::{RegistrationStatus, RegistrationStatusAction};
use crate::registration::{RegistrationState, Registrations, Rejection};
use chassis::http::ClientInfo;

/// The seconds between two refreshes.
const REFRESH_SECONDS: u32 = 2;

/// The dependencies of the status page of a registration.
#[derive(Clone)]
pub(crate) struct StatusPage {
    pages: Arc<Pages>,
    registrations: Registrations,
    browser: BrowserSessions,
    forms: FormProcessor,
}

impl FromRef<SharedApp> for StatusPage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            registrations: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            forms: FromRef::from_ref(app),
        }
    }
}

/// The query of the page.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct RegistrationStatusQuery {
    id: Uuid,
    #[serde(default)]
    return_to: String,
}

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContinueForm {
    #[serde(default)]
    csrf: String,
    id: Uuid,
    #[serde(default)]
    return_to: String,
}

/// `GET /register/wait`: shows the status of a registration.
pub(crate) async fn show(
    State(state): State<StatusPage>,
    headers: HeaderMap,
    query: Result<Query<RegistrationStatusQuery>, Problem>,
) -> Result<Response, PageError> {
    let Query(query) = query.map_err(|_| Problem::not_found())?;
    let progress = state
        .registrations
        .status(query.id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let return_to = ReturnTo::parse(&query.return_to);
    Ok(page(&state, &headers, query.id, progress, &return_to).await?)
}

/// `POST /register/wait`: signs in with the proof of a completed registration.
pub(crate) async fn submit(
    State(state): State<StatusPage>,
    headers: HeaderMap,
    client: ClientInfo,
    sent: SubmittedForm<ContinueForm>,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&sent.form.return_to);
    let id = sent.form.id;
    let click = FormSubmission {
        headers: &headers,
        submission: &sent.submission,
        return_to: &return_to,
        is_admitted: async { Ok(state.browser.has_proof(&headers, id).await?) },
    };
    let work = process(state.clone(), headers.clone(), client, sent.form);
    state.forms.process_once(click, work).await
}

async fn process(
    state: StatusPage,
    headers: HeaderMap,
    client: ClientInfo,
    form: ContinueForm,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&form.return_to);
    if !state.pages.is_current_form(&headers, &form.csrf)? {
        return Ok(state
            .pages
            .redirect(&registration_status_path(form.id, &return_to)));
    }
    let progress = state
        .registrations
        .status(form.id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let proved = match progress {
        RegistrationState::Active => state.browser.redeem_proof(&headers, form.id).await?,
        _ => None,
    };
    let Some(auth_time) = proved else {
        return Ok(page(&state, &headers, form.id, progress, &return_to).await?);
    };
    let who = SignedIn::by_password(form.id, auth_time);
    let begun = state
        .browser
        .sign_in_browser(&headers, &client, &who, &return_to)
        .await?;
    Ok(begun.unwrap_or_else(|| state.pages.redirect(&return_to.link(LOGIN))))
}

async fn page(
    state: &StatusPage,
    headers: &HeaderMap,
    id: Uuid,
    progress: RegistrationState,
    return_to: &ReturnTo,
) -> Result<Response, DbError> {
    let proved = state.browser.has_proof(headers, id).await?;
    let (csrf, browser) = state.pages.form_token(headers).into_parts();
    let ready = proved.then(|| RegistrationStatusAction::Post {
        label: "Continue",
        csrf,
        id: id.to_string(),
        return_to: return_to.as_str().to_owned(),
    });
    let (heading, lead, action) = content(progress, ready, return_to);
    let view = RegistrationStatus {
        page: state.pages.page(),
        heading,
        lead,
        refresh_seconds: (progress == RegistrationState::Pending).then_some(REFRESH_SECONDS),
        action,
        leads_out: return_to.leads_out(),
    };
    Ok(state.pages.show_form(StatusCode::OK, &view, browser.as_ref()))
}

/// The heading, the text and the action of the page. `ready` signs in, when this browser may do that.
fn content(
    progress: RegistrationState,
    ready: Option<RegistrationStatusAction>,
    return_to: &ReturnTo,
) -> (&'static str, &'static str, RegistrationStatusAction) {
    let link = |label, path| RegistrationStatusAction::Link {
        label,
        url: return_to.link(path),
    };
    match progress {
        RegistrationState::Pending => (
            "We are setting up your account",
            "This usually takes a moment. Leave this page open: it goes on by itself.",
            RegistrationStatusAction::Nothing,
        ),
        RegistrationState::Active => match ready {
            Some(action) => (
                "Your account is ready",
                "Everything is set up. Come on in.",
                action,
            ),
            None => (
                "Your account is ready",
                "You can sign in with it now.",
                link("Sign in", LOGIN),
            ),
        },
        RegistrationState::Rejected(Rejection::UserNameTaken) => (
            "That user name is taken",
            "Somebody has it, or one that looks like it. Choose another user name to go on.",
            link("Choose another name", REGISTER),
        ),
        RegistrationState::Rejected(Rejection::UserNameReserved) => (
            "That user name is reserved",
            "It is kept for those who run this site. Choose another user name to go on.",
            link("Choose another name", REGISTER),
        ),
        RegistrationState::Rejected(Rejection::Invalid) => (
            "That user name cannot be used",
            "Choose another user name to go on.",
            link("Choose another name", REGISTER),
        ),
        RegistrationState::Expired => (
            "That took too long",
            "Your account could not be set up, and nothing was kept. Please start again.",
            link("Start again", REGISTER),
        ),
    }
}

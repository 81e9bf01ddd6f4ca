//! `GET` and `POST /login`: the sign-in page.

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::http::Query;
use chassis::secret::SecretString;
use contract::paths::auth::REGISTER;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::sync::Arc;

use super::double_click::{FormProcessor, FormSubmission, SubmittedForm};
use super::session::BrowserSessions;
use crate::accounts::{Accounts, SignInError, SignInRequest};
use crate::app::SharedApp;
use crate::authorization_requests::AuthorizationRequests;
use crate::html::Pages;
use crate::html::cookies::Cookie;
use crate::html::fields::{Errors, Field};
use crate::html::form_outcome::{FormOutcome, busy, throttled, with_retry_after};
use crate::html::forms::browser_token;
use crate::html::page_error::PageError;
use crate::html::return_to::ReturnTo;
use crate::html::view::Login;
use crate::sign_up::SignUp;
use chassis::http::{ClientInfo, Problem};

/// The dependencies of the sign-in page.
#[derive(Clone)]
pub(crate) struct LoginPage {
    pages: Arc<Pages>,
    accounts: Accounts,
    authorization_requests: AuthorizationRequests,
    sign_up: SignUp,
    browser: BrowserSessions,
    forms: FormProcessor,
}

impl FromRef<SharedApp> for LoginPage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            accounts: FromRef::from_ref(app),
            authorization_requests: FromRef::from_ref(app),
            sign_up: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            forms: FromRef::from_ref(app),
        }
    }
}

/// The query of the sign-in and registration pages.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct LoginQuery {
    #[serde(default)]
    pub(crate) return_to: String,
}

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    #[schemars(with = "String")]
    password: SecretString,
}

/// `GET /login`: shows the form.
pub(crate) async fn show(
    State(state): State<LoginPage>,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, chassis::http::Problem>,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&query?.0.return_to);
    if !return_to.leads_out() && state.browser.current(&headers).await?.is_some() {
        return Ok(state.pages.redirect(return_to.as_str()));
    }
    let hint = match return_to.query() {
        Some(query) => {
            let browser = browser_token(&state.pages, &headers);
            let device = state.pages.cookies.read(&headers, Cookie::Device);
            state
                .authorization_requests
                .user_name_hint(query, browser.as_ref(), device.as_ref())
                .await?
        }
        None => None,
    };
    Ok(page(
        &state,
        &headers,
        hint.as_deref().unwrap_or_default(),
        &return_to,
        (StatusCode::OK, Errors::default()),
    ))
}

/// `POST /login`: signs in.
pub(crate) async fn submit(
    State(state): State<LoginPage>,
    headers: HeaderMap,
    client: ClientInfo,
    sent: SubmittedForm<LoginForm>,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&sent.form.return_to);
    let attempt = SignInRequest {
        user_name: sent.form.user_name.clone(),
        password: sent.form.password.clone(),
        client: client.clone(),
        device: state.pages.cookies.read(&headers, Cookie::Device),
    };
    let (is_complete, asked) = (missing(&sent.form).is_empty(), attempt.clone());
    let click = FormSubmission {
        headers: &headers,
        submission: &sent.submission,
        return_to: &return_to,
        is_admitted: async { Ok(is_complete && state.accounts.is_admitted(&asked).await?) },
    };
    let work = process(state.clone(), headers.clone(), sent.form, attempt);
    state.forms.process_once(click, work).await
}

async fn process(
    state: LoginPage,
    headers: HeaderMap,
    form: LoginForm,
    attempt: SignInRequest,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&form.return_to);
    let again = |outcome| page(&state, &headers, &form.user_name, &return_to, outcome);
    if let Some(outcome) = state.pages.reject_form(&headers, &form.csrf, missing(&form))? {
        return Ok(again(outcome));
    }
    let client = attempt.client.clone();
    let wait = match state.accounts.sign_in(attempt).await {
        Ok(who) => {
            let begun = state
                .browser
                .sign_in_browser(&headers, &client, &who, &return_to)
                .await?;
            return Ok(begun.unwrap_or_else(|| again(invalid_credentials())));
        }
        Err(SignInError::InvalidCredentials) => return Ok(again(invalid_credentials())),
        Err(SignInError::Pending { id }) => {
            return Ok(state
                .browser
                .redirect_to_registration_status(&headers, id, &return_to)
                .await?);
        }
        Err(SignInError::Db(error)) => return Err(error.into()),
        Err(error @ SignInError::Hash) => return Err(Problem::internal(&error).into()),
        Err(SignInError::Throttled { retry_after }) => (throttled(retry_after), retry_after),
        Err(SignInError::Busy { retry_after }) => (busy(), retry_after),
    };
    let (outcome, retry_after) = wait;
    Ok(with_retry_after(again(outcome), retry_after))
}

fn invalid_credentials() -> FormOutcome {
    // One status and one text, whether or not the person exists (SB-8).
    let text = "The user name or the password is wrong. Check both and try again.";
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        Errors::form("That did not work", text),
    )
}

fn missing(form: &LoginForm) -> Errors {
    use chassis::secret::ExposeSecret;
    let mut errors = Errors::default();
    if form.user_name.trim().is_empty() {
        errors.add("user_name", "Enter your user name.");
    }
    if form.password.expose_secret().is_empty() {
        errors.add("password", "Enter your password.");
    }
    errors
}

fn page(
    state: &LoginPage,
    headers: &HeaderMap,
    user_name: &str,
    return_to: &ReturnTo,
    (status, errors): FormOutcome,
) -> Response {
    let (csrf, browser) = state.pages.form_token(headers).into_parts();
    let view = Login {
        page: state.pages.page(),
        csrf,
        return_to: return_to.as_str(),
        register_url: state.sign_up.is_open().then(|| return_to.link(REGISTER)),
        fields: vec![
            Field {
                name: "user_name",
                label: "User name",
                kind: "text",
                autocomplete: "username",
                value: user_name,
                required: true,
                autofocus: user_name.is_empty(),
                ..Field::default()
            },
            Field {
                name: "password",
                label: "Password",
                kind: "password",
                autocomplete: "current-password",
                required: true,
                autofocus: !user_name.is_empty(),
                ..Field::default()
            },
        ],
        errors: &errors,
        leads_out: return_to.leads_out(),
    };
    state.pages.show_form(status, &view, browser.as_ref())
}

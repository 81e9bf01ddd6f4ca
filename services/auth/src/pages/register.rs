//! `GET` and `POST /register`: the registration page.
//!
//! The page has to say that a user name is taken, so that people can choose a free one (the limit of SB-8).
//! It never says whether an e-mail address is known.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::http::{Problem, Query};
use chassis::secret::SecretString;
use contract::paths::auth::LOGIN;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::account_fields::{check_password, check_person, password_field, password_hint, person_fields};
use super::double_click::{FormProcessor, FormSubmission, SubmittedForm};
use super::login::LoginQuery;
use super::session::BrowserSessions;
use crate::app::SharedApp;
use crate::credentials::Passwords;
use crate::html::Pages;
use crate::html::fields::Errors;
use crate::html::form_outcome::{busy, in_words, throttled, with_retry_after};
use crate::html::page_error::PageError;
use crate::html::render::ErrorPage;
use crate::html::return_to::ReturnTo;
use crate::html::view::Register;
use crate::sign_up::{NewAccount, RegisterError, SignUp};
use chassis::http::ClientInfo;

/// The dependencies of the registration page.
#[derive(Clone)]
pub(crate) struct RegisterPage {
    pages: Arc<Pages>,
    sign_up: SignUp,
    passwords: Passwords,
    browser: BrowserSessions,
    forms: FormProcessor,
}

impl FromRef<SharedApp> for RegisterPage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            sign_up: FromRef::from_ref(app),
            passwords: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            forms: FromRef::from_ref(app),
        }
    }
}

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    #[schemars(with = "String")]
    password: SecretString,
}

/// `GET /register`: shows the form.
pub(crate) async fn show(
    State(state): State<RegisterPage>,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, Problem>,
) -> Result<Response, PageError> {
    require_open(&state)?;
    let return_to = ReturnTo::parse(&query?.0.return_to);
    if !return_to.leads_out() && state.browser.current(&headers).await?.is_some() {
        return Ok(state.pages.redirect(return_to.as_str()));
    }
    Ok(page(
        &state,
        &headers,
        ("", ""),
        &return_to,
        (StatusCode::OK, Errors::default()),
    ))
}

/// `POST /register`: registers an account.
pub(crate) async fn submit(
    State(state): State<RegisterPage>,
    headers: HeaderMap,
    client: ClientInfo,
    sent: SubmittedForm<RegisterForm>,
) -> Result<Response, PageError> {
    let return_to = ReturnTo::parse(&sent.form.return_to);
    let (complete, ip) = (validate(&sent.form).is_empty(), client.ip);
    let click = FormSubmission {
        headers: &headers,
        submission: &sent.submission,
        return_to: &return_to,
        is_admitted: async { Ok(complete && state.sign_up.is_admitted(ip).await?) },
    };
    let work = process(state.clone(), headers.clone(), client, sent.form);
    state.forms.process_once(click, work).await
}

async fn process(
    state: RegisterPage,
    headers: HeaderMap,
    client: ClientInfo,
    form: RegisterForm,
) -> Result<Response, PageError> {
    require_open(&state)?;
    let return_to = ReturnTo::parse(&form.return_to);
    let again = |outcome| {
        page(
            &state,
            &headers,
            (&form.user_name, &form.email),
            &return_to,
            outcome,
        )
    };
    if let Some(outcome) = state.pages.reject_form(&headers, &form.csrf, validate(&form))? {
        return Ok(again(outcome));
    }
    let new = NewAccount {
        user_name: form.user_name.clone(),
        email: Some(form.email.clone()),
        password: Some(form.password.clone()),
        ..NewAccount::default()
    };
    match state.sign_up.sign_up(new, client.ip).await {
        Ok(registered) => match state
            .browser
            .continue_registration(&headers, &client, registered, &return_to)
            .await?
        {
            Ok(response) => Ok(response),
            Err(errors) => Ok(again((StatusCode::UNPROCESSABLE_ENTITY, errors))),
        },
        Err(error) => show_errors(error, again),
    }
}

fn validate(form: &RegisterForm) -> Errors {
    let mut errors = Errors::default();
    check_person(&mut errors, &form.user_name, &form.email);
    check_password(&mut errors, &form.password);
    errors
}

/// Shows the form again with the errors of the registration.
pub(crate) fn show_errors(
    error: RegisterError,
    again: impl Fn((StatusCode, Errors)) -> Response,
) -> Result<Response, PageError> {
    match error {
        RegisterError::Invalid(wrong) => {
            let mut errors = Errors::default();
            for error in wrong {
                errors.add(error.field, sentence(&error.detail));
            }
            Ok(again((StatusCode::UNPROCESSABLE_ENTITY, errors)))
        }
        RegisterError::Busy { retry_after } => Ok(with_retry_after(again(busy()), retry_after)),
        RegisterError::Throttled { retry_after } => {
            Ok(with_retry_after(again(throttled(retry_after)), retry_after))
        }
        RegisterError::QuotaExceeded {
            from_source,
            retry_after,
        } => Ok(with_retry_after(
            again(too_many(from_source, retry_after)),
            retry_after,
        )),
        RegisterError::Db(error) => Err(error.into()),
        error @ RegisterError::Hash => Err(Problem::internal(&error).into()),
    }
}

/// The message when the registration quota of the hour is used up.
fn too_many(from_source: bool, wait: Duration) -> (StatusCode, Errors) {
    let whence = if from_source { " from your network" } else { "" };
    let text = format!(
        "Many accounts were made{whence} within the last hour, so no more can be made now. Please come back in {}, or ask \
         an administrator for an account.",
        in_words(wait)
    );
    let errors = Errors::form("Too many new accounts", text);
    (StatusCode::TOO_MANY_REQUESTS, errors)
}

/// Makes a sentence of `detail`, which is a clause.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let end = if detail.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    first.chain(letters).chain(end.chars()).collect()
}

fn require_open(state: &RegisterPage) -> Result<(), PageError> {
    if state.sign_up.is_open() {
        return Ok(());
    }
    let detail = "Ask an administrator for an account.";
    Err(
        ErrorPage::new(StatusCode::FORBIDDEN, "Registration is closed", detail)
            .with_action("Sign in", LOGIN)
            .into(),
    )
}

fn page(
    state: &RegisterPage,
    headers: &HeaderMap,
    (user_name, email): (&str, &str),
    return_to: &ReturnTo,
    (status, errors): (StatusCode, Errors),
) -> Response {
    let (csrf, browser) = state.pages.form_token(headers).into_parts();
    let hint = password_hint(&state.passwords);
    let mut fields = person_fields(user_name, email);
    fields.push(password_field(&hint, false));
    let view = Register {
        page: state.pages.page(),
        csrf,
        return_to: return_to.as_str(),
        login_url: return_to.link(LOGIN),
        fields,
        errors: &errors,
        leads_out: return_to.leads_out(),
    };
    state.pages.show_form(status, &view, browser.as_ref())
}

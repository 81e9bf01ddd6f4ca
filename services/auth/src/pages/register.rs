//! `GET` and `POST /register`: the registration page.
//!
//! The page has to say that a user name is taken, so that people can choose a free one (the limit of SB-8).
//! It never says whether an e-mail address is known.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chassis::http::{Problem, Query};
use chassis::secret::SecretString;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::account_fields::{check_password, check_person, password_field, password_hint, person_fields};
use super::double_click::{FormSubmission, SubmittedForm, process_once};
use super::login::{LoginQuery, busy, in_words, stale, throttled};
use super::session;
use crate::accounts::SignedIn;
use crate::app::{App, SharedApp};
use crate::html::page_error::PageError;
use crate::html::render::{ErrorPage, retry_after_value};
use crate::html::return_to::ReturnTo;
use crate::html::view::{Errors, Register};
use crate::registration::{RegistrationState, Rejection};
use crate::sign_up::{NewAccount, RegisterError, Registered};
use chassis::http::ClientInfo;

/// The fields of the form.
#[derive(Deserialize)]
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
    password: SecretString,
}

/// `GET /register`: shows the form.
pub(crate) async fn show(
    State(app): State<SharedApp>,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, Problem>,
) -> Result<Response, PageError> {
    require_open(&app)?;
    let return_to = ReturnTo::parse(&query?.0.return_to);
    if !return_to.leads_out() && session::current(&app, &headers).await?.is_some() {
        return Ok(app.pages.redirect("/"));
    }
    Ok(page(
        &app,
        &headers,
        ("", ""),
        &return_to,
        (StatusCode::OK, Errors::default()),
    ))
}

/// `POST /register`: registers an account.
pub(crate) async fn submit(
    State(app): State<SharedApp>,
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
        is_admitted: async { Ok(complete && app.sign_up.is_admitted(ip).await?) },
    };
    let work = process(app.clone(), headers.clone(), client, sent.form);
    process_once(app.clone(), click, work).await
}

async fn process(
    app: SharedApp,
    headers: HeaderMap,
    client: ClientInfo,
    form: RegisterForm,
) -> Result<Response, PageError> {
    require_open(&app)?;
    let return_to = ReturnTo::parse(&form.return_to);
    let again = |outcome| {
        page(
            &app,
            &headers,
            (&form.user_name, &form.email),
            &return_to,
            outcome,
        )
    };
    if !app.pages.is_current_form(&headers, &form.csrf)? {
        return Ok(again(stale()));
    }
    let errors = validate(&form);
    if !errors.is_empty() {
        return Ok(again((StatusCode::UNPROCESSABLE_ENTITY, errors)));
    }
    let new = NewAccount {
        user_name: form.user_name.clone(),
        email: Some(form.email.clone()),
        password: Some(form.password.clone()),
        ..NewAccount::default()
    };
    match app.sign_up.sign_up(new, client.ip).await {
        Ok(registered) => match continue_registration(&app, &headers, &client, registered, &return_to).await?
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

/// The response after a registration: a sign-in, a redirect to its status page, or the errors of the form.
pub(crate) async fn continue_registration(
    app: &App,
    headers: &HeaderMap,
    client: &ClientInfo,
    registered: Registered,
    return_to: &ReturnTo,
) -> Result<Result<Response, Errors>, PageError> {
    let mut errors = Errors::default();
    match registered.state {
        RegistrationState::Active => {
            let who = SignedIn::by_password(registered.id, app.clock.now());
            let begun = session::sign_in_browser(app, headers, client, &who, return_to).await?;
            return Ok(Ok(
                begun.unwrap_or_else(|| app.pages.redirect(&return_to.link("/login")))
            ));
        }
        RegistrationState::Pending => {
            return Ok(Ok(session::redirect_to_registration_status(
                app,
                headers,
                registered.id,
                return_to,
            )
            .await?));
        }
        RegistrationState::Rejected(Rejection::UserNameTaken) => {
            errors.add(
                "user_name",
                "Somebody has this user name already, or one that looks like it. Choose another one.",
            );
        }
        RegistrationState::Rejected(Rejection::UserNameReserved) => {
            errors.add("user_name", "This user name is reserved. Choose another one.");
        }
        RegistrationState::Rejected(Rejection::Invalid) => {
            errors.add("user_name", "This user name cannot be used. Choose another one.");
        }
        RegistrationState::Expired => return Err(expired().into()),
    }
    Ok(Err(errors))
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

fn with_retry_after(mut response: Response, retry_after: Duration) -> Response {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after_value(retry_after));
    response
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

fn require_open(app: &App) -> Result<(), PageError> {
    if app.sign_up.is_open() {
        return Ok(());
    }
    let detail = "Ask an administrator for an account.";
    Err(
        ErrorPage::new(StatusCode::FORBIDDEN, "Registration is closed", detail)
            .with_action("Sign in", "/login")
            .into(),
    )
}

fn expired() -> ErrorPage {
    let detail = "Setting up your account took too long. Nothing was kept; please start again.";
    ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, "That did not work out", detail)
        .with_action("Start again", "/register")
}

fn page(
    app: &App,
    headers: &HeaderMap,
    (user_name, email): (&str, &str),
    return_to: &ReturnTo,
    (status, errors): (StatusCode, Errors),
) -> Response {
    let (csrf, browser) = app.pages.form_token(headers).into_parts();
    let hint = password_hint(&app.passwords);
    let mut fields = person_fields(user_name, email);
    fields.push(password_field(&hint, false));
    let view = Register {
        page: app.pages.page(),
        csrf,
        return_to: return_to.as_str(),
        login_url: return_to.link("/login"),
        fields,
        errors: &errors,
        leads_out: return_to.leads_out(),
    };
    let mut response = app.pages.show(status, &view);
    app.pages.set_browser_cookie(&mut response, browser.as_ref());
    response
}

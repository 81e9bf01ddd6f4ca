//! `GET` and `POST /setup`: the page of a one-time link, which makes the first administrator or lets an
//! invited person choose a password (SB-11).

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::clock::SharedClock;
use chassis::http::{Problem, Query};
use chassis::secret::{SecretString, Token};
use contract::paths::auth::LOGIN;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::account_fields::{check_password, check_person, password_field, password_hint, person_fields};
use super::double_click::{FormProcessor, FormSubmission, SubmittedForm};
use super::register::show_errors;
use super::session::BrowserSessions;
use crate::accounts::SignedIn;
use crate::app::SharedApp;
use crate::credentials::Passwords;
use crate::html::Pages;
use crate::html::fields::Errors;
use crate::html::form_outcome::stale;
use crate::html::page_error::PageError;
use crate::html::render::ErrorPage;
use crate::html::return_to::ReturnTo;
use crate::html::view::Setup;
use crate::setup::{SetUp, SetupError};
use crate::setup_links::{Purpose, SetUpLinks};
use crate::sign_up::{NewAccount, Registered};
use chassis::http::ClientInfo;

/// The dependencies of the page of a one-time link.
#[derive(Clone)]
pub(crate) struct SetupPage {
    pages: Arc<Pages>,
    setup: SetUp,
    setup_links: SetUpLinks,
    passwords: Passwords,
    clock: SharedClock,
    browser: BrowserSessions,
    forms: FormProcessor,
}

impl FromRef<SharedApp> for SetupPage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            setup: FromRef::from_ref(app),
            setup_links: FromRef::from_ref(app),
            passwords: FromRef::from_ref(app),
            clock: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            forms: FromRef::from_ref(app),
        }
    }
}

/// The query of the link.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct SetupQuery {
    #[serde(default)]
    token: String,
}

/// The fields of the form. An invited person sends no user name.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetupForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    token: String,
    /// The user name for password managers. It is ignored.
    #[serde(default, rename = "username")]
    _username: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    #[schemars(with = "String")]
    password: SecretString,
}

/// `GET /setup`: shows the form of a valid link.
pub(crate) async fn show(
    State(state): State<SetupPage>,
    headers: HeaderMap,
    query: Result<Query<SetupQuery>, Problem>,
) -> Result<Response, PageError> {
    let token = Token::new(query?.0.token);
    let purpose = state.setup_links.inspect(&token).await?.ok_or_else(not_valid)?;
    let empty = SetupInput {
        token: &token,
        user_name: "",
        email: "",
    };
    Ok(page(
        &state,
        &headers,
        &purpose,
        &empty,
        (StatusCode::OK, Errors::default()),
    ))
}

/// `POST /setup`: makes the administrator or sets the password.
pub(crate) async fn submit(
    State(state): State<SetupPage>,
    headers: HeaderMap,
    client: ClientInfo,
    sent: SubmittedForm<SetupForm>,
) -> Result<Response, PageError> {
    let home = ReturnTo::home();
    let link = Token::new(sent.form.token.clone());
    let click = FormSubmission {
        headers: &headers,
        submission: &sent.submission,
        return_to: &home,
        is_admitted: async { Ok(state.setup_links.inspect(&link).await?.is_some()) },
    };
    let work = process(state.clone(), headers.clone(), client, sent.form);
    state.forms.process_once(click, work).await
}

async fn process(
    state: SetupPage,
    headers: HeaderMap,
    client: ClientInfo,
    form: SetupForm,
) -> Result<Response, PageError> {
    let fresh = state.pages.is_current_form(&headers, &form.csrf)?;
    let token = Token::new(form.token.clone());
    let purpose = state.setup_links.inspect(&token).await?.ok_or_else(not_valid)?;
    let input = SetupInput {
        token: &token,
        user_name: &form.user_name,
        email: &form.email,
    };
    let again = |outcome| page(&state, &headers, &purpose, &input, outcome);
    if !fresh {
        return Ok(again(stale()));
    }
    let mut errors = Errors::default();
    if purpose == Purpose::Administrator {
        check_person(&mut errors, &form.user_name, &form.email);
    }
    check_password(&mut errors, &form.password);
    if !errors.is_empty() {
        return Ok(again((StatusCode::UNPROCESSABLE_ENTITY, errors)));
    }
    match execute(&state, &purpose, (&token, &form), &client).await {
        Ok(SetupOutcome::Registered(registered)) => {
            match state
                .browser
                .continue_registration(&headers, &client, registered, &ReturnTo::home())
                .await?
            {
                Ok(response) => Ok(response),
                Err(errors) => Ok(again((StatusCode::UNPROCESSABLE_ENTITY, errors))),
            }
        }
        Ok(SetupOutcome::PasswordChosen(account_id)) => {
            let who = SignedIn::by_password(account_id, state.clock.now());
            let begun = state
                .browser
                .sign_in_browser(&headers, &client, &who, &ReturnTo::home())
                .await?;
            Ok(begun.unwrap_or_else(|| state.pages.redirect(LOGIN)))
        }
        Err(SetupError::NotValid) => Err(not_valid().into()),
        Err(SetupError::Register(error)) => show_errors(error, again),
    }
}

enum SetupOutcome {
    Registered(Registered),
    PasswordChosen(uuid::Uuid),
}

async fn execute(
    state: &SetupPage,
    purpose: &Purpose,
    (token, form): (&Token, &SetupForm),
    client: &ClientInfo,
) -> Result<SetupOutcome, SetupError> {
    match purpose {
        Purpose::Administrator => {
            let new = NewAccount {
                user_name: form.user_name.clone(),
                email: Some(form.email.clone()),
                password: Some(form.password.clone()),
                ..NewAccount::default()
            };
            state
                .setup
                .make_administrator(token, new, client.ip)
                .await
                .map(SetupOutcome::Registered)
        }
        Purpose::Invitation { .. } => state
            .setup
            .choose_password(token, form.password.clone(), client.ip)
            .await
            .map(SetupOutcome::PasswordChosen),
    }
}

fn not_valid() -> ErrorPage {
    ErrorPage::new(
        StatusCode::NOT_FOUND,
        "This link is not valid any more",
        "It may have been used already, or it is too old. Ask for a new one.",
    )
    .with_action("Go to the start page", "/")
}

struct SetupInput<'a> {
    token: &'a Token,
    user_name: &'a str,
    email: &'a str,
}

fn page(
    state: &SetupPage,
    headers: &HeaderMap,
    purpose: &Purpose,
    input: &SetupInput<'_>,
    (status, errors): (StatusCode, Errors),
) -> Response {
    let (csrf, browser) = state.pages.form_token(headers).into_parts();
    let hint = password_hint(&state.passwords);
    let page = state.pages.page();
    let (heading, lead, button, user_name) = match purpose {
        Purpose::Administrator => (
            "Make the first administrator",
            format!(
                "{} is running and nobody is in charge yet. This account will be.",
                page.brand.name
            ),
            "Create administrator",
            None,
        ),
        Purpose::Invitation { user_name } => (
            "Choose your password",
            match user_name {
                Some(name) => {
                    format!("Your user name is {name}. With a password of your own, the account is yours.")
                }
                None => "With a password of your own, the account is yours.".to_owned(),
            },
            "Save password",
            user_name.as_deref(),
        ),
    };
    let mut fields = match purpose {
        Purpose::Administrator => person_fields(input.user_name, input.email),
        Purpose::Invitation { .. } => Vec::new(),
    };
    fields.push(password_field(&hint, user_name.is_some()));
    let view = Setup {
        page,
        heading,
        lead,
        button,
        csrf,
        token: input.token.expose(),
        user_name,
        fields,
        errors: &errors,
    };
    state.pages.show_form(status, &view, browser.as_ref())
}

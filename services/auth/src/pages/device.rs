//! `GET` and `POST /device`: the page on which a person allows a device access (RFC 8628 §3.3).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::db::Db;
use chassis::http::{ClientInfo, Problem, Query};
use contract::paths::auth::LOGIN;
use http::{HeaderMap, StatusCode};
use oidc::consent::AllowedAccess;
use oidc::grant::DeviceAnswer;
use oidc::resource::Resource;
use oidc::scope::Scope;
use serde::Deserialize;

use super::not_assigned::not_assigned;
use super::session::BrowserSessions;
use crate::app::SharedApp;
use crate::assignments;
use crate::clients::{Client, Clients, Origin};
use crate::device_authorizations::{Device, DeviceAuthorizations, FoundDevice, LookUpError};
use crate::html::fields::{Errors, Field};
use crate::html::form_outcome::{FormOutcome, stale, throttled, with_retry_after};
use crate::html::page_error::{FormFields, PageError};
use crate::html::return_to::ReturnTo;
use crate::html::view::{self, DeviceFacts};
use crate::html::{ErrorPage, Pages};
use crate::scopes::Scopes;
use crate::sessions::Session;
use crate::subjects::{self, Subject};
use crate::tokens::subject_scope;

/// The longest user code that the form shows again.
const MAX_SHOWN_CHARS: usize = 64;

/// The dependencies of the page.
#[derive(Clone)]
pub(crate) struct DevicePage {
    pages: Arc<Pages>,
    browser: BrowserSessions,
    clients: Clients,
    db: Db,
    devices: DeviceAuthorizations,
    scopes: Scopes,
}

impl FromRef<SharedApp> for DevicePage {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            pages: FromRef::from_ref(app),
            browser: FromRef::from_ref(app),
            clients: FromRef::from_ref(app),
            db: FromRef::from_ref(app),
            devices: FromRef::from_ref(app),
            scopes: FromRef::from_ref(app),
        }
    }
}

/// The query of the page.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct DeviceQuery {
    /// The user code, in `verification_uri_complete` (RFC 8628 §3.3.1).
    #[serde(default)]
    user_code: String,
}

/// The fields of the form.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    user_code: String,
    /// The scope that the page showed.
    #[serde(default)]
    scope: String,
    /// The services that the page showed, separated by spaces.
    #[serde(default)]
    audiences: String,
    /// `allow` or `deny`. Without it the device with the code is shown.
    #[serde(default)]
    answer: Option<FormAnswer>,
}

/// The button that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormAnswer {
    Allow,
    Deny,
}

/// The person at the page and their browser.
struct Visitor<'a> {
    headers: &'a HeaderMap,
    ip: Option<IpAddr>,
    session: Session,
    subject: Subject,
}

/// `GET /device`: asks for the user code. With a code in the address it asks whether to allow the device access. Such a code
/// counts as a guess when it is wrong, and nothing else changes.
pub(crate) async fn show(
    State(page): State<DevicePage>,
    headers: HeaderMap,
    client: ClientInfo,
    query: Result<Query<DeviceQuery>, Problem>,
) -> Result<Response, PageError> {
    let user_code = query?.0.user_code;
    let Some(visitor) = page.visitor(&headers, &client).await? else {
        return Ok(page.sign_in(&user_code));
    };
    if user_code.is_empty() {
        return Ok(page.ask_code(&visitor, "", (StatusCode::OK, Errors::default())));
    }
    page.look_up(&visitor, &user_code).await
}

/// `POST /device`: shows the device with a user code, or stores the answer of the person.
pub(crate) async fn submit(
    State(page): State<DevicePage>,
    headers: HeaderMap,
    client: ClientInfo,
    FormFields(form): FormFields<DeviceForm>,
) -> Result<Response, PageError> {
    let is_fresh = page.pages.is_current_form(&headers, &form.csrf)?;
    let Some(visitor) = page.visitor(&headers, &client).await? else {
        return Ok(page.sign_in(&form.user_code));
    };
    if !is_fresh {
        return Ok(page.ask_code(&visitor, &form.user_code, stale()));
    }
    match form.answer {
        None => page.look_up(&visitor, &form.user_code).await,
        Some(answer) => page.answer(&visitor, &form, answer).await,
    }
}

impl DevicePage {
    /// The person whose session the browser has. One who may not sign in any more has none.
    async fn visitor<'a>(
        &self,
        headers: &'a HeaderMap,
        client: &ClientInfo,
    ) -> Result<Option<Visitor<'a>>, PageError> {
        let Some(session) = self.browser.current(headers).await? else {
            return Ok(None);
        };
        let subject = subjects::find(&mut self.db.reader().await?, session.account_id).await?;
        Ok(subject.filter(|subject| subject.active).map(|subject| Visitor {
            headers,
            ip: client.ip,
            session,
            subject,
        }))
    }

    fn sign_in(&self, user_code: &str) -> Response {
        self.pages.redirect(&ReturnTo::device(user_code).link(LOGIN))
    }

    /// The question whether to allow the device with `user_code` access.
    async fn look_up(&self, visitor: &Visitor<'_>, user_code: &str) -> Result<Response, PageError> {
        match self.devices.find(&visitor.session, visitor.ip, user_code).await {
            Ok(FoundDevice::Pending(device)) => match self.clients.find(&device.client_id).await? {
                Some(client) => {
                    self.check_assigned(visitor, &client).await?;
                    self.ask_permission(visitor, &device, &client)
                }
                None => self.refuse(visitor, user_code, LookUpError::Unknown),
            },
            Ok(FoundDevice::Answered(answer)) => Ok(self.done(answer)),
            Err(error) => self.refuse(visitor, user_code, error),
        }
    }

    /// Checks that the person is assigned to the client of a device.
    ///
    /// # Errors
    /// The page that says so.
    async fn check_assigned(&self, visitor: &Visitor<'_>, client: &Client) -> Result<(), PageError> {
        let mut reader = self.db.reader().await?;
        let assignment = assignments::of_subject(&mut reader, client.registered(), &visitor.subject).await?;
        match assignment.assigned {
            true => Ok(()),
            false => Err(not_assigned(client, &visitor.subject.user_name).into()),
        }
    }

    /// Stores the answer of the person.
    async fn answer(
        &self,
        visitor: &Visitor<'_>,
        form: &DeviceForm,
        answer: FormAnswer,
    ) -> Result<Response, PageError> {
        let user_code = form.user_code.as_str();
        let device = match self.devices.find(&visitor.session, visitor.ip, user_code).await {
            Ok(FoundDevice::Pending(device)) => device,
            Ok(FoundDevice::Answered(answer)) => return Ok(self.done(answer)),
            Err(error) => return self.refuse(visitor, user_code, error),
        };
        let Some(client) = self.clients.find(&device.client_id).await? else {
            return self.refuse(visitor, user_code, LookUpError::Unknown);
        };
        let stored = match answer {
            FormAnswer::Deny => self.devices.deny(&visitor.session, &device).await,
            FormAnswer::Allow => {
                self.check_assigned(visitor, &client).await?;
                let scope = allowable(visitor, &device, &client)?;
                let shown = AllowedAccess::parse(&form.scope, &form.audiences).unwrap_or_default();
                if !shown.covers(&scope, &client.metadata.audiences) {
                    // The page showed less: the client or the person may do more since, or the form is not of the page.
                    return self.ask_permission(visitor, &device, &client);
                }
                let asking = (&device, &*client);
                self.devices.allow(&visitor.session, asking, &scope).await
            }
        };
        match (stored, answer) {
            (Ok(()), FormAnswer::Allow) => Ok(self.done(DeviceAnswer::Allowed)),
            (Ok(()), FormAnswer::Deny) => Ok(self.done(DeviceAnswer::Denied)),
            (Err(error), _) => self.refuse(visitor, user_code, error),
        }
    }

    /// The form with the reason why a code was not accepted.
    fn refuse(
        &self,
        visitor: &Visitor<'_>,
        user_code: &str,
        error: LookUpError,
    ) -> Result<Response, PageError> {
        let (outcome, retry_after): (FormOutcome, Option<Duration>) = match error {
            LookUpError::Db(error) => return Err(error.into()),
            LookUpError::Throttled { retry_after } => (throttled(retry_after), Some(retry_after)),
            LookUpError::Unknown => {
                let mut errors = Errors::default();
                errors.add(
                    "user_code",
                    "No device shows this code now. Check it, or let the device show another one.",
                );
                ((StatusCode::UNPROCESSABLE_ENTITY, errors), None)
            }
        };
        let response = self.ask_code(visitor, user_code, outcome);
        Ok(match retry_after {
            Some(retry_after) => with_retry_after(response, retry_after),
            None => response,
        })
    }

    fn ask_code(&self, visitor: &Visitor<'_>, user_code: &str, (status, errors): FormOutcome) -> Response {
        let shown: String = user_code.chars().take(MAX_SHOWN_CHARS).collect();
        let (csrf, browser) = self.pages.form_token(visitor.headers).into_parts();
        let view = view::Device {
            page: self.pages.page(),
            heading: "Connect a device",
            lead: "Type in the code that the device shows.",
            csrf,
            fields: vec![Field {
                name: "user_code",
                label: "Code",
                kind: "text",
                autocomplete: "off",
                value: &shown,
                hint: Some("Eight letters, such as WDJB-MJHT. The dash may be left out."),
                required: true,
                autofocus: true,
            }],
            device: None,
            errors: &errors,
        };
        self.pages.show_form(status, &view, browser.as_ref())
    }

    fn ask_permission(
        &self,
        visitor: &Visitor<'_>,
        device: &Device,
        client: &Client,
    ) -> Result<Response, PageError> {
        let scope = allowable(visitor, device, client)?;
        let (csrf, browser) = self.pages.form_token(visitor.headers).into_parts();
        let view = view::Device {
            page: self.pages.page(),
            heading: "Allow this device access?",
            lead: "A device asks to be signed in to your account.",
            csrf,
            fields: Vec::new(),
            device: Some(DeviceFacts {
                user_code: device.code.to_string(),
                client_name: client.display_name(),
                user_name: &visitor.subject.user_name,
                registered_itself: client.origin == Origin::Registration,
                asked_from: place(device.asked_from, visitor.ip),
                permissions: scope.iter().map(|scope| self.scopes.permission(scope)).collect(),
                services: client.metadata.audiences.iter().map(Resource::as_str).collect(),
                scope: scope.to_string(),
            }),
            errors: &Errors::default(),
        };
        Ok(self.pages.show_form(StatusCode::OK, &view, browser.as_ref()))
    }

    fn done(&self, answer: DeviceAnswer) -> Response {
        let (heading, lead) = match answer {
            DeviceAnswer::Allowed => (
                "The device is connected",
                "It goes on by itself in a few seconds. You can close this page.",
            ),
            _ => (
                "The device has no access",
                "You denied it. You can close this page.",
            ),
        };
        let view = view::Device {
            page: self.pages.page(),
            heading,
            lead,
            csrf: String::new(),
            fields: Vec::new(),
            device: None,
            errors: &Errors::default(),
        };
        self.pages.show(StatusCode::OK, &view)
    }
}

/// The address of a device as the person reads it: beside theirs, because a code that somebody sent them comes from elsewhere
/// (RFC 8628 §5.4).
fn place(device: Option<IpAddr>, person: Option<IpAddr>) -> String {
    let person = person.map(|ip| ip.to_canonical());
    match (device, person) {
        (None, _) => "an address that is not known".to_owned(),
        (Some(device), Some(person)) if device == person => {
            format!("{device}, the address that you have too")
        }
        (Some(device), Some(person)) => format!("{device}, another address than yours, which is {person}"),
        (Some(device), None) => device.to_string(),
    }
}

/// The scope that the person may allow a device.
///
/// # Errors
/// The page for a device that asks for nothing that they may allow.
fn allowable(visitor: &Visitor<'_>, device: &Device, client: &Client) -> Result<Scope, PageError> {
    subject_scope(client, &visitor.subject, &device.scope).map_err(|_| nothing_allowed(client).into())
}

/// The page for a device that asks for what this person cannot allow.
fn nothing_allowed(client: &Client) -> ErrorPage {
    ErrorPage::new(
        StatusCode::FORBIDDEN,
        "This device cannot get access",
        format!(
            "{} asks for nothing that you may allow. Please tell the people who run it.",
            client.display_name()
        ),
    )
}

//! `vestibule user show`, and the look-up of one user by name or id.

use std::io;

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format};

/// Show one person
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user show ann --output json
  vestibule user show --id 01980000-0000-7000-8000-000000000001")]
pub(crate) struct Show {
    #[command(flatten)]
    selector: UserSelector,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The person that a command is about. A name is never taken for an id, whatever it looks like: it might be
/// somebody else's.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct UserSelector {
    /// User name
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The person's id, in place of the user name
    #[arg(long, value_name = "ID")]
    id: Option<Uuid>,
}

impl UserSelector {
    /// The id, if the person is named by it.
    pub(super) fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The user name, if the person is named by it; or nothing.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

impl Show {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read"])?;
        let person = find_user(&api, &self.selector).await?;
        match self.connection.output {
            Format::Json => output::print_json(&person),
            Format::Table => output::print_line(user_summary(&person)),
        }
    }
}

/// Finds a user and returns the SCIM resource (RFC 7643 §4.1).
pub(super) async fn find_user(api: &ApiClient, selector: &UserSelector) -> Result<Value, CommandError> {
    match selector {
        UserSelector { id: Some(id), .. } => find_by_id(api, *id).await,
        UserSelector { name, .. } => find_by_name(api, name.as_deref().unwrap_or_default()).await,
    }
}

async fn find_by_id(api: &ApiClient, id: Uuid) -> Result<Value, CommandError> {
    match api
        .call(
            RemoteService::Users,
            Method::GET,
            &paths::fill(paths::users::SCIM_USER, &[&id.to_string()]),
        )
        .await
    {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Err(CommandError::new(
            ErrorCode::NotFound,
            format!("there is no person with the id {id}"),
        )),
        other => Ok(other?),
    }
}

pub(super) async fn find_by_name(api: &ApiClient, name: &str) -> Result<Value, CommandError> {
    // RFC 7644 §3.4.2.2: the value of a filter is a JSON string.
    let filter = format!("userName eq {}", Value::from(name));
    let path = format!("{}?filter={}", paths::users::SCIM_USERS, percent_encode(&filter));
    let mut found = api.call(RemoteService::Users, Method::GET, &path).await?;
    if let Some(person) = found.pointer_mut("/Resources/0") {
        return Ok(person.take());
    }
    let missing = CommandError::new(
        ErrorCode::NotFound,
        format!("there is no person {:?}", printable(name)),
    );
    Err(match name.parse::<Uuid>() {
        Ok(id) => missing.hint(format!("If it is an id, say --id {id}.")),
        Err(_) => missing,
    })
}

/// The path of a user's SCIM resource.
pub(super) fn user_path(person: &Value) -> Result<String, ApiError> {
    match person.get("id").and_then(Value::as_str) {
        Some(id) => Ok(paths::fill(paths::users::SCIM_USER, &[id])),
        None => Err(ApiError::InvalidResponse {
            service: "users",
            reason: "a person without an id".to_owned(),
        }),
    }
}

/// The e-mail address that is marked as primary, else the first one.
pub(super) fn primary_email(person: &Value) -> String {
    let emails = person.get("emails").and_then(Value::as_array);
    let mut emails = emails.into_iter().flatten();
    let first = emails.clone().next();
    let primary = emails.find(|email| email.get("primary") == Some(&Value::Bool(true)));
    primary
        .or(first)
        .map(|email| text_at(email, "/value"))
        .unwrap_or_default()
}

/// The full name, of a SCIM resource or of a record.
pub(super) fn display_name(person: &Value) -> String {
    let formatted = text_at(person, "/name/formatted");
    if !formatted.is_empty() {
        return formatted;
    }
    let part = |scim: &str, record: &str| match text_at(person, scim) {
        text if text.is_empty() => text_at(person, record),
        text => text,
    };
    let parts = [
        part("/name/givenName", "/name/given_name"),
        part("/name/familyName", "/name/family_name"),
    ];
    parts.join(" ").trim().to_owned()
}

/// `active` or `disabled`.
pub(super) fn state_text(person: &Value) -> &'static str {
    match person.get("active") {
        Some(Value::Bool(false)) => "disabled",
        _ => "active",
    }
}

fn user_summary(person: &Value) -> String {
    let groups = person.get("groups").and_then(Value::as_array);
    let groups: Vec<String> = groups
        .into_iter()
        .flatten()
        .map(|group| text_at(group, "/display"))
        .collect();
    let pairs = [
        ("id", text_at(person, "/id")),
        ("user name", text_at(person, "/userName")),
        ("name", display_name(person)),
        ("e-mail", primary_email(person)),
        ("state", state_text(person).to_owned()),
        ("groups", groups.join(", ")),
        ("locale", text_at(person, "/locale")),
        ("created", text_at(person, "/meta/created")),
        ("changed", text_at(person, "/meta/lastModified")),
    ];
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    output::key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout()))
}

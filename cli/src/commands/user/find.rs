//! Finding one person by user name, or by id with `--id`, and `vestibule user show`.

use std::io;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::api::{Api, ApiError, Side, Target, escape, text};
use crate::failure::{Code, Failure};
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
    who: Who,
    #[command(flatten)]
    target: Target,
}

/// Which person is meant. A name is never taken for an id, whatever it looks like: it might be somebody else's.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// User name
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The person's id, in place of the user name
    #[arg(long, value_name = "ID")]
    id: Option<Uuid>,
}

impl Show {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["users:read"])?;
        let person = find(&api, &self.who).await?;
        match self.target.output {
            Format::Json => output::json(&person),
            Format::Table => output::line(sheet(&person)),
        }
    }
}

/// The SCIM resource (RFC 7643 §4.1) of the person who is meant.
pub(super) async fn find(api: &Api, who: &Who) -> Result<Value, Failure> {
    match who {
        Who { id: Some(id), .. } => find_by_id(api, *id).await,
        Who { name, .. } => find_by_name(api, name.as_deref().unwrap_or_default()).await,
    }
}

async fn find_by_id(api: &Api, id: Uuid) -> Result<Value, Failure> {
    match api
        .call(Side::Users, Method::GET, &format!("/scim/v2/Users/{id}"))
        .await
    {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Err(Failure::new(
            Code::NotFound,
            format!("there is no person with the id {id}"),
        )),
        other => Ok(other?),
    }
}

async fn find_by_name(api: &Api, name: &str) -> Result<Value, Failure> {
    // RFC 7644 §3.4.2.2: the value of a filter is a JSON string.
    let filter = format!("userName eq {}", Value::from(name));
    let path = format!("/scim/v2/Users?filter={}", escape(&filter));
    let mut found = api.call(Side::Users, Method::GET, &path).await?;
    if let Some(person) = found.pointer_mut("/Resources/0") {
        return Ok(person.take());
    }
    let missing = Failure::new(
        Code::NotFound,
        format!("there is no person {:?}", printable(name)),
    );
    Err(match name.parse::<Uuid>() {
        Ok(id) => missing.hint(format!("If it is an id, say --id {id}.")),
        Err(_) => missing,
    })
}

/// The path of a found person.
pub(super) fn path(person: &Value) -> Result<String, ApiError> {
    match person.get("id").and_then(Value::as_str) {
        Some(id) => Ok(format!("/scim/v2/Users/{}", escape(id))),
        None => Err(ApiError::Answer {
            service: "users",
            reason: "a person without an id".to_owned(),
        }),
    }
}

/// The address that is marked as primary, else the first.
pub(super) fn email(person: &Value) -> String {
    let emails = person.get("emails").and_then(Value::as_array);
    let mut emails = emails.into_iter().flatten();
    let first = emails.clone().next();
    let primary = emails.find(|email| email.get("primary") == Some(&Value::Bool(true)));
    primary
        .or(first)
        .map(|email| text(email, "/value"))
        .unwrap_or_default()
}

/// The whole name as SCIM gives it.
pub(super) fn name(person: &Value) -> String {
    let formatted = text(person, "/name/formatted");
    if !formatted.is_empty() {
        return formatted;
    }
    let parts = [text(person, "/name/givenName"), text(person, "/name/familyName")];
    parts.join(" ").trim().to_owned()
}

/// `active`, in a word.
pub(super) fn state(person: &Value) -> &'static str {
    match person.get("active") {
        Some(Value::Bool(false)) => "disabled",
        _ => "active",
    }
}

fn sheet(person: &Value) -> String {
    let groups = person.get("groups").and_then(Value::as_array);
    let groups: Vec<String> = groups
        .into_iter()
        .flatten()
        .map(|group| text(group, "/display"))
        .collect();
    let pairs = [
        ("id", text(person, "/id")),
        ("user name", text(person, "/userName")),
        ("name", name(person)),
        ("e-mail", email(person)),
        ("state", state(person).to_owned()),
        ("groups", groups.join(", ")),
        ("locale", text(person, "/locale")),
        ("created", text(person, "/meta/created")),
        ("changed", text(person, "/meta/lastModified")),
    ];
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    output::sheet(&pairs, Style::choose(Color::Auto, &io::stdout()))
}

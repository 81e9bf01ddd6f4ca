//! Finding one person by id or user name, and `vestibule user show`.

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
#[command(after_help = "Example:\n  vestibule user show ann --output json")]
pub(crate) struct Show {
    /// User name or id
    #[arg(value_name = "NAME|ID")]
    who: String,
    #[command(flatten)]
    target: Target,
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

/// The SCIM resource (RFC 7643 §4.1) of the person with this id or user name.
pub(super) async fn find(api: &Api, who: &str) -> Result<Value, Failure> {
    let missing = || Failure::new(Code::NotFound, format!("there is no person {:?}", printable(who)));
    if let Ok(id) = who.parse::<Uuid>() {
        let path = format!("/scim/v2/Users/{id}");
        return match api.call(Side::Users, Method::GET, &path).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Err(missing()),
            other => Ok(other?),
        };
    }
    // RFC 7644 §3.4.2.2: the value of a filter is a JSON string.
    let filter = format!("userName eq {}", Value::from(who));
    let path = format!("/scim/v2/Users?filter={}", escape(&filter));
    let mut found = api.call(Side::Users, Method::GET, &path).await?;
    match found.pointer_mut("/Resources/0") {
        Some(person) => Ok(person.take()),
        None => Err(missing()),
    }
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

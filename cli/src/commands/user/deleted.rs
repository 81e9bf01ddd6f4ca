//! `vestibule user restore`, `erase` and `list --deleted`: the users who were deleted, until they are erased.

use std::io;

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::change::confirm;
use super::find::{UserSelector, find_user, user_path};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table};

/// The most users of one page.
const PAGE: usize = 200;

/// Restore a person who was deleted, with their groups that are still there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user restore ann
  vestibule user restore ann --as ann2
  vestibule user restore --id 01980000-0000-7000-8000-000000000001")]
pub(crate) struct Restore {
    #[command(flatten)]
    selector: UserSelector,
    /// Another user name, if somebody has the person's own
    #[arg(long = "as", value_name = "NAME")]
    new_name: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Erase a person at once, without a grace period; this cannot be undone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user erase ann
  vestibule user erase --id 01980000-0000-7000-8000-000000000001 --yes")]
pub(crate) struct Erase {
    #[command(flatten)]
    selector: UserSelector,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let id = match self.selector.id() {
            Some(id) => id.to_string(),
            None => one_named(&api, self.selector.name()).await?,
        };
        let path = paths::fill(paths::users::RESTORE_USER, &[&id]);
        let body = match &self.new_name {
            Some(name) => json!({ "user_name": name }),
            None => json!({}),
        };
        let request = api
            .request(RemoteService::Users, Method::POST, &path)?
            .json(&body);
        let restored: Value = match api.send(RemoteService::Users, request).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Err(not_deleted(&id)),
            other => other?,
        };
        match self.connection.output {
            Format::Json => output::print_json(&restored),
            Format::Table => {
                let name = printable(&text_at(&restored, "/user_name"));
                let state = match restored.get("active") {
                    Some(Value::Bool(false)) => ", and disabled as before",
                    _ => "",
                };
                output::print_line(format!("{name} is back{state}"))
            }
        }
    }
}

impl Erase {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin", "users:read", "users:write"])?;
        let deleted = match self.selector.id() {
            Some(id) => find_deleted(&api, &id.to_string()).await?,
            None => {
                let mut named = all_deleted(&api, Some(self.selector.name()), 2).await?;
                if named.len() > 1 {
                    return Err(several(self.selector.name(), &named));
                }
                named.pop()
            }
        };
        let living = match find_user(&api, &self.selector).await {
            Ok(person) => Some(person),
            Err(error) if error.code() == ErrorCode::NotFound && deleted.is_some() => None,
            Err(error) => return Err(error),
        };
        let (name, id) = match (&living, &deleted) {
            (Some(_), Some(deleted)) => {
                return Err(several(self.selector.name(), std::slice::from_ref(deleted)));
            }
            (Some(person), None) => (text_at(person, "/userName"), text_at(person, "/id")),
            (None, Some(deleted)) => (text_at(deleted, "/user_name"), text_at(deleted, "/id")),
            (None, None) => return Err(not_deleted("")),
        };
        let name = printable(&name);
        if !self.yes {
            confirm(
                &format!("Erase {name} ({id}) for good? [y/N] "),
                "nothing was erased",
            )?;
        }
        if let Some(person) = &living {
            api.call(RemoteService::Users, Method::DELETE, &user_path(person)?)
                .await?;
        }
        let path = paths::fill(paths::users::DELETED_USER, &[&id]);
        match api.call(RemoteService::Users, Method::DELETE, &path).await {
            // Without a grace period the deletion was the erasure.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) && living.is_some() => {}
            other => drop(other?),
        }
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "id": id, "erased": true })),
            Format::Table => output::print_line(format!("{name} is erased")),
        }
    }
}

/// Prints deleted users, `most` at most, the last deleted first.
pub(super) async fn list(connection: &ConnectionArgs, most: usize) -> Result<(), CommandError> {
    let api = ApiClient::new(connection, &["admin"])?;
    let found = all_deleted(&api, None, most).await?;
    match connection.output {
        Format::Json => output::print_json(&Value::Array(found)),
        Format::Table => {
            let mut table = Table::new(&["USER NAME", "E-MAIL", "DELETED", "RESTORABLE UNTIL", "ID"]);
            for person in &found {
                table.row([
                    text_at(person, "/user_name"),
                    text_at(person, "/emails/0/value"),
                    text_at(person, "/deleted_at"),
                    text_at(person, "/restorable_until"),
                    text_at(person, "/id"),
                ]);
            }
            output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
        }
    }
}

async fn find_deleted(api: &ApiClient, id: &str) -> Result<Option<Value>, CommandError> {
    let path = paths::fill(paths::users::DELETED_USER, &[id]);
    match api.call(RemoteService::Users, Method::GET, &path).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// Deleted users, those of a name if one is given.
async fn all_deleted(api: &ApiClient, name: Option<&str>, most: usize) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut after = None::<String>;
    while found.len() < most {
        let mut path = format!(
            "{}?limit={}",
            paths::users::DELETED_USERS,
            PAGE.min(most - found.len())
        );
        if let Some(name) = name {
            path = format!("{path}&user_name={}", percent_encode(name));
        }
        if let Some(after) = &after {
            path = format!("{path}&after={}", percent_encode(after));
        }
        let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
        if let Some(Value::Array(users)) = page.get_mut("users").map(Value::take) {
            found.extend(users);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(found)
}

/// The id of the only deleted user who had a name.
async fn one_named(api: &ApiClient, name: &str) -> Result<String, CommandError> {
    let named = all_deleted(api, Some(name), PAGE).await?;
    match named.as_slice() {
        [one] => Ok(text_at(one, "/id")),
        [] => Err(not_deleted(name)),
        _ => Err(several(name, &named)),
    }
}

fn not_deleted(who: &str) -> CommandError {
    CommandError::new(
        ErrorCode::NotFound,
        format!(
            "there is no deleted person {:?}, or they are erased",
            printable(who)
        ),
    )
    .hint("`vestibule user list --deleted` shows who can be restored.")
}

/// The error for a name that several people have, or had before they were deleted.
fn several(name: &str, deleted: &[Value]) -> CommandError {
    let ids: Vec<String> = deleted
        .iter()
        .map(|person| {
            format!(
                "{} (deleted {})",
                text_at(person, "/id"),
                text_at(person, "/deleted_at")
            )
        })
        .collect();
    CommandError::new(
        ErrorCode::Usage,
        format!("several people have or had the name {:?}", printable(name)),
    )
    .hint(format!("Say --id: {}", ids.join(", ")))
}

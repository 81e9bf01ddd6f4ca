//! `vestibule user disable`, `enable` and `delete`: changes a user's state, or deletes the user.

use std::io::{self, BufRead, IsTerminal};

use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use super::find::{UserSelector, find_user, primary_email, user_path};
use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;
use crate::output::{self, Format};

/// Disable a person: sessions end and tokens are refused within seconds
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user disable ann")]
pub(crate) struct Disable {
    #[command(flatten)]
    user: UserArgs,
}

/// Enable a person who was disabled
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user enable ann")]
pub(crate) struct Enable {
    #[command(flatten)]
    user: UserArgs,
}

/// Delete a person, who can be restored until the grace period is over
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user delete ann
  vestibule user delete ann --yes")]
pub(crate) struct Delete {
    #[command(flatten)]
    user: UserArgs,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct UserArgs {
    #[command(flatten)]
    selector: UserSelector,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Disable {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        self.user.set_active(false).await
    }
}

impl Enable {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        self.user.set_active(true).await
    }
}

impl UserArgs {
    /// Reads the user, replaces `active` and writes the user back, unless the user was changed in between.
    async fn set_active(self, active: bool) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read", "users:write"])?;
        let mut person = find_user(&api, &self.selector).await?;
        let path = user_path(&person)?;
        let name = printable(&text_at(&person, "/userName"));
        if let Some(person) = person.as_object_mut() {
            person.insert("active".to_owned(), active.into());
        }
        let changed = replace_user(&api, &path, person).await?;
        match self.connection.output {
            Format::Json => output::print_json(&changed),
            Format::Table => output::print_line(format!(
                "{name} is {}",
                if active { "enabled" } else { "disabled" }
            )),
        }
    }
}

/// Replaces a user (`PUT`, RFC 7644 §3.5.1), unless the user was changed since the read.
pub(super) async fn replace_user(api: &ApiClient, path: &str, mut person: Value) -> Result<Value, ApiError> {
    let version = text_at(&person, "/meta/version");
    if let Some(person) = person.as_object_mut() {
        // Read-only attributes, which a client need not send (RFC 7643 §3.1, §4.1).
        person.remove("meta");
        person.remove("groups");
    }
    let mut request = api
        .request(RemoteService::Users, Method::PUT, path)?
        .json(&person);
    if !version.is_empty() {
        request = request.header(IF_MATCH, version);
    }
    api.send(RemoteService::Users, request).await
}

impl Delete {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let connection = &self.user.connection;
        let api = ApiClient::new(connection, &["users:read", "users:write"])?;
        let person = find_user(&api, &self.user.selector).await?;
        let name = printable(&text_at(&person, "/userName"));
        if !self.yes {
            let who = format!("{name} <{}>", printable(&primary_email(&person)));
            confirm(&format!("Delete {who}? [y/N] "), "nothing was deleted")?;
        }
        api.call(RemoteService::Users, Method::DELETE, &user_path(&person)?)
            .await?;
        match connection.output {
            Format::Json => output::print_json(&json!({ "id": person.get("id"), "deleted": true })),
            Format::Table => output::print_line(format!("{name} is deleted")),
        }
    }
}

/// Asks for confirmation on a terminal; without it the error says what was not done. A script has to pass `--yes`.
pub(super) fn confirm(question: &str, undone: &str) -> Result<(), CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::new(
            ErrorCode::Usage,
            "this needs a confirmation, and nobody is here to be asked",
        )
        .hint("Say --yes to go on without a question."));
    }
    output::print_question(question);
    let mut answer = String::new();
    // An answer that cannot be read is no "yes".
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CommandError::new(ErrorCode::Failed, undone)),
    }
}

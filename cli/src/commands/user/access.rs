//! `vestibule user sessions` and `user consents`: where a user is signed in and which applications have access for them.

use std::io;

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::find::{UserSelector, find_user};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table};

/// List where a person is signed in, or end one of the sessions
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user sessions ann
  vestibule user sessions ann --end 01980000-0000-7000-8000-000000000001")]
pub(crate) struct Sessions {
    #[command(flatten)]
    selector: UserSelector,
    /// End this session; applications lose what they got in it
    #[arg(long, value_name = "SESSION")]
    end: Option<Uuid>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List the applications that have access for a person, or withdraw the access of one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user consents ann
  vestibule user consents ann --withdraw shop")]
pub(crate) struct Consents {
    #[command(flatten)]
    selector: UserSelector,
    /// Withdraw the access of the application with this client_id
    #[arg(long, value_name = "CLIENT_ID")]
    withdraw: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Sessions {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read", "admin"])?;
        let id = text_at(&find_user(&api, &self.selector).await?, "/id");
        if let Some(session) = &self.end {
            let path = paths::fill(paths::auth::SESSION, &[&id, &session.to_string()]);
            delete(&api, &path, "the person has no such session").await?;
            return match self.connection.output {
                Format::Json => output::print_json(&json!({ "id": session, "ended": true })),
                Format::Table => output::print_line("The session has ended"),
            };
        }
        let path = paths::fill(paths::auth::SESSIONS, &[&id]);
        let found = api.call(RemoteService::Auth, Method::GET, &path).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&found);
        }
        let mut table = Table::new(&["SIGNED IN", "LAST USED", "FROM", "BROWSER", "ID"]);
        for session in members(&found, "sessions") {
            table.row([
                text_at(session, "/auth_time"),
                text_at(session, "/last_seen_at"),
                text_at(session, "/client_ip"),
                text_at(session, "/user_agent"),
                text_at(session, "/id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Consents {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read", "admin"])?;
        let id = text_at(&find_user(&api, &self.selector).await?, "/id");
        if let Some(client) = &self.withdraw {
            let path = paths::fill(paths::auth::CONSENT_OF_CLIENT, &[&id, client]);
            delete(&api, &path, "the application has no access for the person").await?;
            return match self.connection.output {
                Format::Json => output::print_json(&json!({ "client_id": client, "withdrawn": true })),
                Format::Table => output::print_line(format!("{} has no access any more", printable(client))),
            };
        }
        let path = paths::fill(paths::auth::CONSENTS, &[&id]);
        let found = api.call(RemoteService::Auth, Method::GET, &path).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&found);
        }
        let mut table = Table::new(&["CLIENT_ID", "NAME", "SINCE", "SCOPES"]);
        for consent in members(&found, "consents") {
            let scopes = members(consent, "scopes").filter_map(Value::as_str);
            table.row([
                text_at(consent, "/client_id"),
                text_at(consent, "/client_name"),
                text_at(consent, "/since"),
                scopes.collect::<Vec<_>>().join(" "),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// The members of a list.
fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Deletes a resource of the authentication service.
async fn delete(api: &ApiClient, path: &str, missing: &str) -> Result<(), CommandError> {
    match api.call(RemoteService::Auth, Method::DELETE, path).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
            Err(CommandError::new(ErrorCode::NotFound, missing.to_owned()))
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

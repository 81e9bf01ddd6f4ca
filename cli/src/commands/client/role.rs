//! `vestibule client role`: the roles that people were given at an application.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table};

/// Roles of people at an application; the roles of groups are options of client add and client update
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Role {
    List(List),
    Assign(Assign),
    Withdraw(Withdraw),
}

/// List the roles that people were given
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client role list wiki")]
pub(crate) struct List {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Give a person a role
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule client role assign wiki editor 01980000-0000-7000-8000-000000000001"
)]
pub(crate) struct Assign {
    #[command(flatten)]
    what: RoleOfPerson,
}

/// Take a role from a person; the application loses what it has for them, and they sign in anew
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule client role withdraw wiki editor 01980000-0000-7000-8000-000000000001"
)]
pub(crate) struct Withdraw {
    #[command(flatten)]
    what: RoleOfPerson,
}

#[derive(Debug, clap::Args)]
struct RoleOfPerson {
    /// The application's client_id
    id: String,
    /// The role, which is defined with the application
    role: String,
    /// The person's id
    user_id: Uuid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Role {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(list) => list.run().await,
            Self::Assign(assign) => assign.what.change(Method::PUT, "assigned").await,
            Self::Withdraw(withdraw) => withdraw.what.change(Method::DELETE, "withdrawn").await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::fill(paths::auth::CLIENT_ASSIGNMENTS, &[&self.id]);
        let mut found: Vec<Value> = Vec::new();
        let mut after = String::new();
        loop {
            let page = format!("{path}?after={}", percent_encode(&after));
            let mut page = api.call(RemoteService::Auth, Method::GET, &page).await?;
            if let Some(Value::Array(assignments)) = page.get_mut("assignments").map(Value::take) {
                found.extend(assignments);
            }
            after = text_at(&page, "/next");
            if after.is_empty() {
                break;
            }
        }
        if self.connection.output == Format::Json {
            return output::print_json(&json!(found));
        }
        let mut table = Table::new(&["ROLE", "SINCE", "USER ID"]);
        for assignment in &found {
            table.row([
                text_at(assignment, "/role"),
                text_at(assignment, "/assigned_at"),
                text_at(assignment, "/user_id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl RoleOfPerson {
    /// Gives or takes the role, and prints `outcome`.
    async fn change(self, method: Method, outcome: &str) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let id = self.user_id.to_string();
        let path = paths::fill(paths::auth::CLIENT_ASSIGNMENT, &[&self.id, &id, &self.role]);
        api.call(RemoteService::Auth, method, &path).await?;
        match self.connection.output {
            Format::Json => {
                output::print_json(&json!({ "user_id": id, "role": self.role, "state": outcome }))
            }
            Format::Table => output::print_line(format!("{} is {outcome}", printable(&self.role))),
        }
    }
}

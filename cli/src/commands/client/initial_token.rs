//! `vestibule client initial-token`: the tokens with which applications register themselves (RFC 7591 §3).

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table, key_value_list};

/// Initial access tokens, with which applications register themselves where `registration.clients` allows it
#[derive(Debug, clap::Subcommand)]
pub(crate) enum InitialToken {
    Add(Add),
    List(List),
    Delete(Delete),
}

/// Make an initial access token, which is printed once
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule client initial-token add 'Mobile team' --uses 5 --expires-in-hours 72"
)]
pub(crate) struct Add {
    /// Name for administrators
    name: String,
    /// Number of applications that may be registered with it
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u32,
    /// Hours for which it is good
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    expires_in_hours: u32,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List initial access tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client initial-token list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Delete an initial access token; the applications that were registered with it stay
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule client initial-token delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c"
)]
pub(crate) struct Delete {
    /// The id of the token, as listed
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl InitialToken {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Delete(delete) => delete.run().await,
        }
    }
}

impl Add {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let body = json!({
            "name": self.name, "uses": self.uses, "expires_in_hours": self.expires_in_hours,
        });
        let path = paths::auth::INITIAL_ACCESS_TOKENS;
        let made = api
            .call_with(RemoteService::Auth, Method::POST, path, &body)
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&made);
        }
        output::print_remark("Keep the token now: it is not shown again.");
        let pairs = [
            ("id", text_at(&made, "/id")),
            ("initial_access_token", text_at(&made, "/initial_access_token")),
            ("uses", text_at(&made, "/uses")),
            ("expires", text_at(&made, "/expires_at")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::auth::INITIAL_ACCESS_TOKENS;
        let list = api.call(RemoteService::Auth, Method::GET, path).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&list);
        }
        let mut table = Table::new(&["NAME", "USED", "USES", "EXPIRES", "ID"]);
        for token in list.get("tokens").and_then(Value::as_array).into_iter().flatten() {
            table.row([
                text_at(token, "/name"),
                text_at(token, "/used"),
                text_at(token, "/uses"),
                text_at(token, "/expires_at"),
                text_at(token, "/id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::fill(paths::auth::INITIAL_ACCESS_TOKEN, &[&self.id]);
        api.call(RemoteService::Auth, Method::DELETE, &path).await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.id))),
        }
    }
}

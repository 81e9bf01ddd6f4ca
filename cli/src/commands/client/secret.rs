//! `vestibule client secret`: the secrets of a client, two at once at most.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table, key_value_list};

/// Secrets of an application: two at once, so that one is changed without a stop
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Secret {
    Add(Add),
    List(List),
    Delete(Delete),
}

/// Make one more secret, which is printed once; the other stays good until it is deleted
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client secret add app-0199d2b87a3e7c119b0a2f4d5e6a7b8c")]
pub(crate) struct Add {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List the secrets of an application: their ids and when they were made
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client secret list app-0199d2b87a3e7c119b0a2f4d5e6a7b8c")]
pub(crate) struct List {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Delete a secret, which is refused within five seconds
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule client secret delete app-0199d2b87a3e7c119b0a2f4d5e6a7b8c 5f0c7a91d2e84b36"
)]
pub(crate) struct Delete {
    /// The application's client_id
    id: String,
    /// The id of the secret, as listed
    secret_id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Secret {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Delete(delete) => delete.run().await,
        }
    }
}

fn secrets_path(id: &str) -> String {
    paths::fill(paths::auth::CLIENT_SECRETS, &[id])
}

impl Add {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let made = api
            .call(RemoteService::Auth, Method::POST, &secrets_path(&self.id))
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&made);
        }
        output::print_remark("Keep the secret now: it is not shown again.");
        let pairs = [
            ("id", text_at(&made, "/id")),
            ("client_secret", text_at(&made, "/client_secret")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let list = api
            .call(RemoteService::Auth, Method::GET, &secrets_path(&self.id))
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&list);
        }
        let mut table = Table::new(&["CREATED", "ID"]);
        for secret in list
            .get("secrets")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            table.row([text_at(secret, "/created_at"), text_at(secret, "/id")]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::fill(paths::auth::CLIENT_SECRET, &[&self.id, &self.secret_id]);
        api.call(RemoteService::Auth, Method::DELETE, &path).await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.secret_id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.secret_id))),
        }
    }
}

//! `vestibule provisioning-client list` and `show`: lists the clients, or shows one.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use super::ClientArgs;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, key_value_list};

/// List provisioning clients
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule provisioning-client list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one provisioning client, and its tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule provisioning-client show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    #[command(flatten)]
    client: ClientArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let clients = clients(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(clients));
        }
        let mut table = Table::new(&["NAME", "SCOPES", "LAST USED", "EXPIRES", "ID"]);
        for client in &clients {
            table.row([
                text_at(client, "/name"),
                text_at(client, "/scopes"),
                latest(client, "/last_used_at"),
                latest(client, "/expires_at"),
                text_at(client, "/id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn clients(api: &ApiClient) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut query = String::new();
    loop {
        let path = format!("{}{query}", paths::users::PROVISIONING_CLIENTS);
        let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
        if let Some(Value::Array(clients)) = page.get_mut("provisioning_clients").map(Value::take) {
            found.extend(clients);
        }
        let after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
        query = format!("?after={}", percent_encode(&after));
    }
}

/// The tokens of a client.
fn tokens(client: &Value) -> &[Value] {
    client
        .get("tokens")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The latest of a time that its tokens have; `never` when none has it.
fn latest(client: &Value, pointer: &str) -> String {
    let times = tokens(client).iter().map(|token| text_at(token, pointer));
    let latest = times.filter(|time| !time.is_empty()).max();
    latest.unwrap_or_else(|| "never".to_owned())
}

impl Show {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let path = paths::users::PROVISIONING_CLIENT;
        let client = self.client.call(Method::GET, path, "", None).await?;
        print_client(&client, self.client.connection.output)
    }
}

/// Prints a client with its tokens.
pub(super) fn print_client(client: &Value, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        return output::print_json(client);
    }
    let style = Style::choose(Color::Auto, &io::stdout());
    let pairs = [
        ("id", text_at(client, "/id")),
        ("name", text_at(client, "/name")),
        ("scopes", text_at(client, "/scopes")),
        ("networks", text_at(client, "/networks")),
        ("created", text_at(client, "/created_at")),
    ];
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    output::print_line(key_value_list(&pairs, style))?;
    let mut table = Table::new(&["TOKEN", "ENDS WITH", "LAST USED", "EXPIRES"]);
    for token in tokens(client) {
        let last_used = match text_at(token, "/last_used_at") {
            time if time.is_empty() => "never".to_owned(),
            time => time,
        };
        table.row([
            text_at(token, "/id"),
            text_at(token, "/ending"),
            last_used,
            text_at(token, "/expires_at"),
        ]);
    }
    output::print_line(table.render(style))
}

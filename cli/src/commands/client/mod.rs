//! `vestibule client`: the registered OAuth clients.

mod access;
mod add;
mod assignment;
mod initial_token;
mod metadata;
mod pages;
mod role;
mod secret;
mod subject;
#[cfg(test)]
mod tests;
mod update;

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use self::add::Add;
use self::initial_token::InitialToken;
use self::role::Role;
use self::secret::Secret;
use self::update::Update;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table, key_value_list};

/// Applications (OAuth clients): add, list, show, update, delete, and their secrets and roles
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Client {
    Add(Add),
    List(List),
    Show(Show),
    Update(Update),
    Delete(Delete),
    #[command(subcommand)]
    Role(Role),
    #[command(subcommand)]
    Secret(Secret),
    #[command(subcommand)]
    InitialToken(InitialToken),
}

/// List applications
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one application
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Delete an application; its tokens end
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Delete {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Client {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Update(update) => update.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Role(role) => role.run().await,
            Self::Secret(secret) => secret.run().await,
            Self::InitialToken(token) => token.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let clients = clients(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(clients));
        }
        let mut table = Table::new(&["NAME", "KIND", "GRANT TYPES", "CLIENT ID"]);
        for client in &clients {
            table.row([
                text_at(client, "/client_name"),
                client_kind(client).to_owned(),
                text_at(client, "/grant_types"),
                text_at(client, "/client_id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn clients(api: &ApiClient) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{}?after={}", paths::auth::CLIENTS, percent_encode(&after));
        let mut page = api.call(RemoteService::Auth, Method::GET, &path).await?;
        if let Some(Value::Array(clients)) = page.get_mut("clients").map(Value::take) {
            found.extend(clients);
        }
        after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
    }
}

fn client_kind(client: &Value) -> &'static str {
    match text_at(client, "/token_endpoint_auth_method").as_str() {
        "none" => "public",
        _ => "confidential",
    }
}

impl Show {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let client = api
            .call(RemoteService::Auth, Method::GET, &client_path(&self.id))
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&client);
        }
        let pairs = [
            ("client_id", text_at(&client, "/client_id")),
            ("client_name", text_at(&client, "/client_name")),
            ("kind", client_kind(&client).to_owned()),
            ("client_uri", text_at(&client, "/client_uri")),
            ("logo_uri", text_at(&client, "/logo_uri")),
            ("logo", logo_state(&client)),
            ("policy_uri", text_at(&client, "/policy_uri")),
            ("tos_uri", text_at(&client, "/tos_uri")),
            ("redirect_uris", text_at(&client, "/redirect_uris")),
            (
                "post_logout_redirect_uris",
                text_at(&client, "/post_logout_redirect_uris"),
            ),
            ("grant_types", text_at(&client, "/grant_types")),
            ("scope", text_at(&client, "/scope")),
            (
                "token_endpoint_auth_method",
                text_at(&client, "/token_endpoint_auth_method"),
            ),
            ("jwks_uri", text_at(&client, "/jwks_uri")),
            ("require_pkce", text_at(&client, "/require_pkce")),
            ("audiences", text_at(&client, "/audiences")),
            ("resource", text_at(&client, "/resource")),
            ("created", text_at(&client, "/created_at")),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

/// The state of the logo in words: what people see, and why the last fetch failed.
fn logo_state(client: &Value) -> String {
    let text = |name: &str| text_at(client, &format!("/logo/{name}"));
    let shown = match text("media_type").as_str() {
        "" if client.get("logo").is_none() => return String::new(),
        "" => "not fetched yet".to_owned(),
        kind => format!("{kind}, {}x{}", text("width"), text("height")),
    };
    match text("error").as_str() {
        "" => shown,
        error => format!("{shown}; the last fetch failed: {error}"),
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        api.call(RemoteService::Auth, Method::DELETE, &client_path(&self.id))
            .await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "client_id": self.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.id))),
        }
    }
}

fn client_path(id: &str) -> String {
    paths::fill(paths::auth::CLIENT, &[id])
}

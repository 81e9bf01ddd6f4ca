//! `vestibule protected-host`: the hosts behind a proxy that asks `auth` about each request.

mod rules;
#[cfg(test)]
mod tests;

use std::io;

use contract::paths;
use forward_auth::{AccessRules, Origin};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table, key_value_list};

use rules::RuleArgs;

/// Hosts that a reverse proxy protects by asking this installation: add, list, show, update, delete
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProtectedHost {
    Add(Add),
    List(List),
    Show(Show),
    Update(Update),
    Delete(Delete),
}

/// Register a host; its proxy can ask about requests to it from then on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule protected-host add wiki.example.org --name Wiki --group staff
  vestibule protected-host add status.example.org --name Status --everybody \\
    --public /health --public '/static/*' --public 'POST /hooks/*'
  vestibule protected-host add shop.example.org:8443 --name Shop --group staff \\
    --restrict '/admin/*=admins' --restrict 'PUT,DELETE /pages/*=editors,admins'")]
pub(crate) struct Add {
    /// Host, with its port if that is not 443; https unless it begins with http://, which is for this machine alone
    host: Origin,
    /// Name that people see
    #[arg(long)]
    name: String,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List protected hosts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule protected-host list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one protected host and its rules
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule protected-host show wiki.example.org")]
pub(crate) struct Show {
    #[command(flatten)]
    host: HostArgs,
}

/// Replace the rules of a protected host, and its name if one is given
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule protected-host update wiki.example.org --group staff --group guests --public '/static/*'")]
pub(crate) struct Update {
    #[command(flatten)]
    host: HostArgs,
    /// Name that people see [default: the one that it has]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    rules: RuleArgs,
}

/// Delete a protected host; its sessions end, and its proxy is refused
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule protected-host delete wiki.example.org")]
pub(crate) struct Delete {
    #[command(flatten)]
    host: HostArgs,
}

/// One protected host
#[derive(Debug, clap::Args)]
struct HostArgs {
    /// Host, with its port if that is not the usual one
    host: Origin,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ProtectedHost {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => print_host(
                &show.host.call(Method::GET, None).await?,
                show.host.connection.output,
            ),
            Self::Update(update) => update.run().await,
            Self::Delete(delete) => delete.run().await,
        }
    }
}

impl HostArgs {
    async fn call(&self, method: Method, body: Option<&Value>) -> Result<Value, CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::fill(paths::auth::PROTECTED_HOST, &[&self.host.host()]);
        let answer = match body {
            Some(body) => api.call_with(RemoteService::Auth, method, &path, body).await,
            None => api.call(RemoteService::Auth, method, &path).await,
        };
        Ok(answer?)
    }
}

impl Add {
    async fn run(self) -> Result<(), CommandError> {
        let rules = checked(self.rules.rules())?;
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let body = json!({ "host": self.host.to_string(), "name": self.name, "rules": rules });
        let path = paths::auth::PROTECTED_HOSTS;
        let made = api
            .call_with(RemoteService::Auth, Method::POST, path, &body)
            .await?;
        print_host(&made, self.connection.output)
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let hosts = hosts(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(hosts));
        }
        let mut table = Table::new(&["HOST", "NAME", "GROUPS"]);
        for host in &hosts {
            table.row([text_at(host, "/origin"), text_at(host, "/name"), groups(host)]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Update {
    async fn run(self) -> Result<(), CommandError> {
        let rules = checked(self.rules.rules())?;
        let name = match self.name {
            Some(name) => name,
            None => text_at(&self.host.call(Method::GET, None).await?, "/name"),
        };
        let body = json!({ "name": name, "rules": rules });
        let changed = self.host.call(Method::PUT, Some(&body)).await?;
        print_host(&changed, self.host.connection.output)
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        self.host.call(Method::DELETE, None).await?;
        let host = self.host.host.host();
        match self.host.connection.output {
            Format::Json => output::print_json(&json!({ "host": host, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&host))),
        }
    }
}

/// The rules, when the service would take them.
fn checked(rules: AccessRules) -> Result<AccessRules, CommandError> {
    match rules.check() {
        Ok(()) => Ok(rules),
        Err(invalid) => Err(CommandError::new(ErrorCode::Usage, invalid.to_string())),
    }
}

/// Fetches all pages. Each page names the host after which the next one starts.
async fn hosts(api: &ApiClient) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut query = String::new();
    loop {
        let path = format!("{}{query}", paths::auth::PROTECTED_HOSTS);
        let mut page = api.call(RemoteService::Auth, Method::GET, &path).await?;
        if let Some(Value::Array(hosts)) = page.get_mut("protected_hosts").map(Value::take) {
            found.extend(hosts);
        }
        let after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
        query = format!("?after={}", percent_encode(&after));
    }
}

fn groups(host: &Value) -> String {
    match host.pointer("/rules/everybody") {
        Some(Value::Bool(true)) => "everybody".to_owned(),
        _ => text_at(host, "/rules/groups"),
    }
}

/// Prints a host with its rules.
fn print_host(host: &Value, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        return output::print_json(host);
    }
    let style = Style::choose(Color::Auto, &io::stdout());
    let pairs = [
        ("host", text_at(host, "/origin")),
        ("name", text_at(host, "/name")),
        ("groups", groups(host)),
        ("created", text_at(host, "/created_at")),
        ("changed", text_at(host, "/updated_at")),
    ];
    output::print_line(key_value_list(&pairs, style))?;
    let mut table = Table::new(&["PATH", "METHODS", "WHO"]);
    let paths = |kind: &str| host.pointer(&format!("/rules/{kind}")).and_then(Value::as_array);
    for path in paths("restricted").into_iter().flatten() {
        let methods = Some(text_at(path, "/methods")).filter(|methods| !methods.is_empty());
        table.row([
            text_at(path, "/path"),
            methods.unwrap_or_else(|| "all".to_owned()),
            text_at(path, "/groups"),
        ]);
    }
    for path in paths("public").into_iter().flatten() {
        let methods = Some(text_at(path, "/methods")).filter(|methods| !methods.is_empty());
        table.row([
            text_at(path, "/path"),
            methods.unwrap_or_else(|| "GET HEAD".to_owned()),
            "public".to_owned(),
        ]);
    }
    output::print_line(table.render(style))
}

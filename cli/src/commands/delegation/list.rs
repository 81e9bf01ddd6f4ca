//! `vestibule delegation list` and `show`: lists the delegations, or shows one.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use super::delegation_path;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, key_value_list};

/// List delegations
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule delegation list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one delegation
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule delegation show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    /// The delegation's id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let delegations = delegations(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(delegations));
        }
        let mut table = Table::new(&["TO", "OVER", "RIGHTS", "ID"]);
        for delegation in &delegations {
            table.row([
                holder(delegation),
                extent(delegation),
                text_at(delegation, "/rights"),
                text_at(delegation, "/id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn delegations(api: &ApiClient) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut query = String::new();
    loop {
        let path = format!("{}{query}", paths::users::DELEGATIONS);
        let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
        if let Some(Value::Array(delegations)) = page.get_mut("delegations").map(Value::take) {
            found.extend(delegations);
        }
        let after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
        query = format!("?after={}", percent_encode(&after));
    }
}

/// The user or the group to which it is given.
fn holder(delegation: &Value) -> String {
    match text_at(delegation, "/to_user") {
        user if user.is_empty() => format!("members of {}", text_at(delegation, "/to_group")),
        user => user,
    }
}

/// The users whom it is about.
fn extent(delegation: &Value) -> String {
    match text_at(delegation, "/users_matching") {
        filter if filter.is_empty() => format!("members of {}", text_at(delegation, "/members_of")),
        filter => filter,
    }
}

impl Show {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let delegation = api
            .call(RemoteService::Users, Method::GET, &delegation_path(&self.id))
            .await?;
        print_delegation(&delegation, self.connection.output)
    }
}

/// Prints a delegation.
pub(super) fn print_delegation(delegation: &Value, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        return output::print_json(delegation);
    }
    let pairs = [
        ("id", text_at(delegation, "/id")),
        ("to", holder(delegation)),
        ("over", extent(delegation)),
        ("rights", text_at(delegation, "/rights")),
        ("created", text_at(delegation, "/created_at")),
    ];
    output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
}

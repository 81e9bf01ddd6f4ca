//! `vestibule user list`: lists the users.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use super::find::{display_name, primary_email, state_text};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// The number of users in one page.
const PAGE: usize = 100;

/// List people
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user list
  vestibule user list --limit 10 --output json | jq -r .[].userName")]
pub(crate) struct List {
    /// People at most; without it, all
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read"])?;
        let people = self.people(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(people));
        }
        let mut table = Table::new(&["USER NAME", "NAME", "E-MAIL", "STATE", "ID"]);
        for person in &people {
            table.row([
                text_at(person, "/userName"),
                display_name(person),
                primary_email(person),
                state_text(person).to_owned(),
                text_at(person, "/id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }

    /// Fetches the pages (RFC 7644 §3.4.2.4: `startIndex` counts from 1).
    async fn people(&self, api: &ApiClient) -> Result<Vec<Value>, CommandError> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut people: Vec<Value> = Vec::new();
        while people.len() < limit {
            let count = PAGE.min(limit - people.len());
            let path = format!(
                "{}?startIndex={}&count={count}",
                paths::users::SCIM_USERS,
                people.len() + 1
            );
            let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
            let Some(Value::Array(found)) = page.get_mut("Resources").map(Value::take) else {
                break;
            };
            if found.is_empty() {
                break;
            }
            people.extend(found);
            let total = page.get("totalResults").and_then(Value::as_u64);
            if total.is_some_and(|total| people.len() as u64 >= total) {
                break;
            }
        }
        people.truncate(limit);
        Ok(people)
    }
}

//! `vestibule user search`: searches users by parts of what is known of them.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::Value;

use super::find::{display_name, primary_email, state_text};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// The most users of one page.
const PAGE: usize = 100;

/// Search people by words of a name, a user name, an address or an id
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Words are compared without accents and case, in any order; the last may be a beginning, and each may have a typo or two.
The best matches come first.

Examples:
  vestibule user search muller ann
  vestibule user search ann.arch
  vestibule user search 0198a1f0 --output json")]
pub(crate) struct Search {
    /// Words, or the beginning of a user name, an address or an id
    #[arg(value_name = "TEXT", required = true)]
    text: Vec<String>,
    /// People at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Search {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read"])?;
        let (text, limit) = (percent_encode(&self.text.join(" ")), usize::from(self.limit));
        let mut found: Vec<Value> = Vec::new();
        let mut next = Some(0);
        while let Some(after) = next.filter(|_| found.len() < limit) {
            let count = PAGE.min(limit - found.len());
            let path = format!(
                "{}?search={text}&limit={count}&after={after}",
                paths::users::ADMIN_USERS
            );
            let mut page = api.call(RemoteService::Users, Method::GET, &path).await?;
            if let Some(Value::Array(users)) = page.get_mut("users").map(Value::take) {
                found.extend(users);
            }
            next = page.get("next").and_then(Value::as_u64);
        }
        match self.connection.output {
            Format::Json => output::print_json(&Value::Array(found))?,
            Format::Table if found.is_empty() => output::print_remark("nobody is found"),
            Format::Table => {
                output::print_line(table(&found).render(Style::choose(Color::Auto, &io::stdout())))?
            }
        }
        if next.is_some() {
            output::print_remark(format!(
                "there are more than these {limit}; add a word, or --limit shows up to 500"
            ));
        }
        Ok(())
    }
}

fn table(found: &[Value]) -> Table {
    let mut table = Table::new(&["USER NAME", "NAME", "E-MAIL", "STATE", "MATCH", "ID"]);
    for person in found {
        table.row([
            text_at(person, "/user_name"),
            display_name(person),
            primary_email(person),
            state_text(person).to_owned(),
            text_at(person, "/match"),
            text_at(person, "/id"),
        ]);
    }
    table
}

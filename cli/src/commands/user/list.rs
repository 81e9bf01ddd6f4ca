//! `vestibule user list`.

use std::io;

use reqwest::Method;
use serde_json::{Value, json};

use super::find::{email, name, state};
use crate::api::{Api, Side, Target, text};
use crate::failure::Failure;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// People asked for at a time.
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
    target: Target,
}

impl List {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["users:read"])?;
        let people = self.people(&api).await?;
        if self.target.output == Format::Json {
            return output::json(&json!(people));
        }
        let mut table = Table::new(&["USER NAME", "NAME", "E-MAIL", "STATE", "ID"]);
        for person in &people {
            table.row([
                text(person, "/userName"),
                name(person),
                email(person),
                state(person).to_owned(),
                text(person, "/id"),
            ]);
        }
        output::line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }

    /// Page after page (RFC 7644 §3.4.2.4: `startIndex` counts from 1).
    async fn people(&self, api: &Api) -> Result<Vec<Value>, Failure> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut people: Vec<Value> = Vec::new();
        while people.len() < limit {
            let count = PAGE.min(limit - people.len());
            let path = format!("/scim/v2/Users?startIndex={}&count={count}", people.len() + 1);
            let mut page = api.call(Side::Users, Method::GET, &path).await?;
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

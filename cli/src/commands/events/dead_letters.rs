//! `vestibule events dead-letters`: what was set aside.

use std::io;

use reqwest::Method;
use serde_json::{Map, Value};

use super::Asked;
use crate::api::{Api, text};
use crate::failure::Failure;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// List events that could not be published or applied, and messages that are no events
///
/// `outbox`: not published after many attempts. `inbox`: not applied; those without a time in GIVEN UP are tried
/// again, or wait behind one that is. `unreadable`: came from a broker and are none of our events.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events dead-letters
  vestibule events dead-letters --service users --output json")]
pub(crate) struct DeadLetters {
    /// How many of each kind, at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u16,
    #[command(flatten)]
    asked: Asked,
}

impl DeadLetters {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.asked.target, &["admin"])?;
        let mut all = Map::new();
        for side in self.asked.sides() {
            let path = format!("/admin/v1/events/dead-letters?limit={}", self.limit);
            all.insert(side.name().to_owned(), api.call(side, Method::GET, &path).await?);
        }
        if self.asked.target.output == Format::Json {
            return output::json(&Value::Object(all));
        }
        output::line(table(&all))?;
        output::remark(
            "`vestibule events replay` tries them again. One that comes late is dropped as stale by consumers that have a newer version.",
        );
        Ok(())
    }
}

fn table(all: &Map<String, Value>) -> String {
    let mut table = Table::new(&[
        "SERVICE", "WHERE", "EVENT", "ABOUT", "VERSION", "ATTEMPTS", "GIVEN UP", "ERROR",
    ]);
    for (side, answer) in all {
        for place in ["outbox", "inbox"] {
            for row in list(answer, place) {
                let id = if place == "outbox" { "/id" } else { "/event_id" };
                table.row([
                    side.clone(),
                    place.to_owned(),
                    text(row, id),
                    text(row, "/aggregate_id"),
                    text(row, "/sequence"),
                    text(row, "/attempts"),
                    text(row, "/dead_lettered_at"),
                    text(row, "/last_error"),
                ]);
            }
        }
        for row in list(answer, "unreadable") {
            table.row([
                side.clone(),
                "unreadable".to_owned(),
                text(row, "/place"),
                text(row, "/transport"),
                String::new(),
                String::new(),
                text(row, "/received_at"),
                text(row, "/error"),
            ]);
        }
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

//! `vestibule events dead-letters`: lists events that were not published or not applied, and unreadable messages.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value};

use super::EventsArgs;
use crate::api::{ApiClient, text_at};
use crate::error::CommandError;
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
    /// Largest number of entries of each kind
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u16,
    #[command(flatten)]
    events: EventsArgs,
}

impl DeadLetters {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.events.connection, &["admin"])?;
        let mut all = Map::new();
        for service in self.events.selected_services() {
            let path = format!("{}?limit={}", paths::operations::DEAD_LETTERS, self.limit);
            all.insert(
                service.name().to_owned(),
                api.call(service, Method::GET, &path).await?,
            );
        }
        if self.events.connection.output == Format::Json {
            return output::print_json(&Value::Object(all));
        }
        output::print_line(table(&all))?;
        output::print_remark(
            "`vestibule events replay` tries them again. One that comes late is dropped as stale by consumers that have a newer version.",
        );
        Ok(())
    }
}

fn table(all: &Map<String, Value>) -> String {
    let mut table = Table::new(&[
        "SERVICE", "WHERE", "EVENT", "ABOUT", "VERSION", "ATTEMPTS", "GIVEN UP", "ERROR",
    ]);
    for (service, answer) in all {
        for store in ["outbox", "inbox"] {
            for row in entries(answer, store) {
                let id = if store == "outbox" { "/id" } else { "/event_id" };
                table.row([
                    service.clone(),
                    store.to_owned(),
                    text_at(row, id),
                    text_at(row, "/aggregate_id"),
                    text_at(row, "/sequence"),
                    text_at(row, "/attempts"),
                    text_at(row, "/dead_lettered_at"),
                    text_at(row, "/last_error"),
                ]);
            }
        }
        for row in entries(answer, "unreadable") {
            table.row([
                service.clone(),
                "unreadable".to_owned(),
                text_at(row, "/place"),
                text_at(row, "/transport"),
                String::new(),
                String::new(),
                text_at(row, "/received_at"),
                text_at(row, "/error"),
            ]);
        }
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

fn entries<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

//! `vestibule events verify`: checks that no event is lost, late or out of order, and that the services agree.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value};

use super::EventsArgs;
use crate::api::{ApiClient, ApiError, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// Check that no event is lost, late or out of order, and that the services agree
///
/// Positions without gaps, nothing unpublished for too long, the events of each person complete and in order, every
/// partition with a relay, nothing set aside, and no drift between the services: what each holds is compared with what
/// the other one has, twice with a pause, so that events on their way do not count. Exits with 1 when something does
/// not hold. Changes nothing, unless --repair says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events verify
  vestibule events verify --older 10 --output json
  vestibule events verify --repair")]
pub(crate) struct Verify {
    /// Seconds that an event may have waited to be published
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    older: u64,
    /// Repair the drift first, as the services do by themselves every ten minutes
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    events: EventsArgs,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.events.connection, &["admin"])?;
        let (mut all, mut good, mut failed) = (Map::new(), true, None);
        for service in self.events.selected_services() {
            match self.verify(&api, service).await {
                Ok(answer) => {
                    good &= answer.get("ok").and_then(Value::as_bool).unwrap_or_default();
                    all.insert(service.name().to_owned(), answer);
                }
                // The result of the other service is printed all the same.
                Err(error) => failed = failed.or(Some(CommandError::from(error))),
            }
        }
        if let Some(failed) = failed.take_if(|_| all.is_empty()) {
            return Err(failed);
        }
        match self.events.connection.output {
            Format::Json => output::print_json(&Value::Object(all))?,
            Format::Table => output::print_line(table(&all))?,
        }
        if let Some(failed) = failed {
            Err(failed)
        } else if good {
            Ok(())
        } else {
            Err(CommandError::new(ErrorCode::Failed, "something does not hold")
                .hint("What to do about each line: docs/runbooks/events.md"))
        }
    }
}

impl Verify {
    async fn verify(&self, api: &ApiClient, service: RemoteService) -> Result<Value, ApiError> {
        if self.repair {
            api.call(service, Method::POST, paths::operations::RECONCILE)
                .await?;
        }
        let path = format!("{}?older={}", paths::operations::VERIFY, self.older);
        api.call(service, Method::GET, &path).await
    }
}

fn table(all: &Map<String, Value>) -> String {
    let mut table = Table::new(&["SERVICE", "CHECK", "", "FOUND"]);
    for (service, answer) in all {
        let checks = answer.get("checks").and_then(Value::as_array);
        for check in checks.into_iter().flatten() {
            let ok = check.get("ok").and_then(Value::as_bool).unwrap_or_default();
            table.row([
                service.clone(),
                text_at(check, "/name"),
                if ok { "ok" } else { "WRONG" }.to_owned(),
                text_at(check, "/detail"),
            ]);
        }
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

//! `vestibule events verify`: whether what must hold holds.

use std::io;

use reqwest::Method;
use serde_json::{Map, Value};

use super::Asked;
use crate::api::{Api, ApiError, Side, text};
use crate::failure::{Code, Failure};
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// Check that no event is lost, late or out of order, and that the services agree
///
/// Positions without gaps, nothing unpublished for too long, the events of each person complete and in order, every
/// partition with a relay, nothing set aside, and no drift between the services: what each holds is compared with what
/// the other one has, twice with a pause, so that events on their way do not count. Exits with 1 when something does
/// not hold. Changes nothing, unless --mend says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events verify
  vestibule events verify --older 10 --output json
  vestibule events verify --mend")]
pub(crate) struct Verify {
    /// Seconds that an event may have waited to be published
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    older: u64,
    /// Mend the drift first, as the services do by themselves every ten minutes
    #[arg(long)]
    mend: bool,
    #[command(flatten)]
    asked: Asked,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.asked.target, &["admin"])?;
        let (mut all, mut good, mut failed) = (Map::new(), true, None);
        for side in self.asked.sides() {
            match self.ask(&api, side).await {
                Ok(answer) => {
                    good &= answer.get("ok").and_then(Value::as_bool).unwrap_or_default();
                    all.insert(side.name().to_owned(), answer);
                }
                // What is found at the other one is told all the same.
                Err(error) => failed = failed.or(Some(Failure::from(error))),
            }
        }
        if let Some(failed) = failed.take_if(|_| all.is_empty()) {
            return Err(failed);
        }
        match self.asked.target.output {
            Format::Json => output::json(&Value::Object(all))?,
            Format::Table => output::line(table(&all))?,
        }
        if let Some(failed) = failed {
            Err(failed)
        } else if good {
            Ok(())
        } else {
            Err(Failure::new(Code::Failed, "something does not hold")
                .hint("What to do about each line: docs/runbooks/events.md"))
        }
    }
}

impl Verify {
    async fn ask(&self, api: &Api, side: Side) -> Result<Value, ApiError> {
        if self.mend {
            api.call(side, Method::POST, "/admin/v1/events/reconcile").await?;
        }
        let path = format!("/admin/v1/events/verify?older={}", self.older);
        api.call(side, Method::GET, &path).await
    }
}

fn table(all: &Map<String, Value>) -> String {
    let mut table = Table::new(&["SERVICE", "CHECK", "", "FOUND"]);
    for (side, answer) in all {
        let checks = answer.get("checks").and_then(Value::as_array);
        for check in checks.into_iter().flatten() {
            let ok = check.get("ok").and_then(Value::as_bool).unwrap_or_default();
            table.row([
                side.clone(),
                text(check, "/name"),
                if ok { "ok" } else { "WRONG" }.to_owned(),
                text(check, "/detail"),
            ]);
        }
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

//! `vestibule events replay`: retries dead letters, or republishes a range of events.

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::EventsArgs;
use crate::api::{ApiClient, ApiError, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::output::{self, Format};

/// Try events again that were given up, or publish a range to the broker once more
///
/// An event that is replayed late is dropped as stale by consumers that have a newer version of the same person: newest
/// wins, by design. A range of published events is published again to the broker, in order, with the newest event of
/// each person behind them; consumers drop what they had. Without a broker there is nothing to publish to: a follower of
/// the feed reads again from any position.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events replay --all
  vestibule events replay 019aabbc-7a1e-7c3a-9b5d-0242ac120002
  vestibule events replay --service users --from 1200 --to 1300")]
#[command(group = clap::ArgGroup::new("selection").required(true).args(["id", "all", "from"]))]
pub(crate) struct Replay {
    /// The event, as `events dead-letters` lists it
    id: Option<uuid::Uuid>,
    /// Every event that was given up
    #[arg(long)]
    all: bool,
    /// Publish again from this position; needs --to and --service
    #[arg(long, value_name = "POSITION", requires = "to", requires = "service")]
    from: Option<i64>,
    /// Up to and with this position
    #[arg(long, value_name = "POSITION", requires = "from")]
    to: Option<i64>,
    #[command(flatten)]
    events: EventsArgs,
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.events.connection, &["admin"])?;
        let body = match (self.id, self.from, self.to) {
            (Some(id), _, _) => json!({ "id": id }),
            (None, Some(from), Some(to)) => json!({ "from": from, "to": to }),
            _ => json!({ "all": true }),
        };
        let (mut all, mut failed) = (Map::new(), None);
        for service in self.events.selected_services() {
            match api
                .call_with(service, Method::POST, paths::operations::REPLAY, &body)
                .await
            {
                Ok(done) => {
                    all.insert(service.name().to_owned(), done);
                }
                // An event is a dead letter in one of the services only.
                Err(error) if self.id.is_some() && is_not_found(&error) => {}
                // The result of the other service is printed all the same.
                Err(error) => {
                    failed = Some(CommandError::from(error));
                    break;
                }
            }
        }
        if all.is_empty() {
            let missing = || CommandError::new(ErrorCode::NotFound, "no event with this id was given up");
            return Err(failed.unwrap_or_else(missing));
        }
        self.show(&all)?;
        failed.map_or(Ok(()), Err)
    }

    fn show(&self, all: &Map<String, Value>) -> Result<(), CommandError> {
        if self.events.connection.output == Format::Json {
            return output::print_json(&Value::Object(all.clone()));
        }
        for service in [RemoteService::Auth, RemoteService::Users] {
            if let Some(done) = all.get(service.name()) {
                output::print_line(format!(
                    "{}: {} to be published, {} to be applied, {} to be published once more",
                    service.name(),
                    text_at(done, "/outbox"),
                    text_at(done, "/inbox"),
                    text_at(done, "/republished"),
                ))?;
            }
        }
        output::print_remark(
            "One that comes late is dropped as stale by consumers that have a newer version.",
        );
        Ok(())
    }
}

fn is_not_found(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused { status, .. } if status.as_u16() == 404)
}

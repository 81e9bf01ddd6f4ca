//! `vestibule events tail`: prints the published events of the services.

use std::io;
use std::sync::Arc;

use contract::paths;
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format};

/// The number of events in one page.
const PAGE: u32 = 100;
/// The seconds for which a service holds a request open while there is no event (long polling).
const WAIT: u32 = 20;

/// Print the events that a service has published
///
/// With --output json each line is one CloudEvent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events tail --follow
  vestibule events tail --service users --after 1200 --output json")]
pub(crate) struct Tail {
    /// Service whose events are shown; without it, those of both services
    #[arg(long, value_enum)]
    service: Option<RemoteService>,
    /// Begin after this position; needs --service, because each counts for itself
    #[arg(long, value_name = "N", requires = "service")]
    after: Option<i64>,
    /// Go on waiting for new ones
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Tail {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let tail = self;
        let api = Arc::new(ApiClient::new(&tail.connection, &["events:read"])?);
        let services = match tail.service {
            Some(service) => vec![service],
            None => vec![RemoteService::Auth, RemoteService::Users],
        };
        let reader = FeedReader {
            format: tail.connection.output,
            style: Style::choose(Color::Auto, &io::stdout()),
            follow: tail.follow,
        };
        if !tail.follow {
            for service in services {
                reader.read(&api, service, tail.after).await?;
            }
            return Ok(());
        }
        let mut readers = JoinSet::new();
        for service in services {
            let api = Arc::clone(&api);
            readers.spawn(async move { reader.read(&api, service, tail.after).await });
        }
        while let Some(ended) = readers.join_next().await {
            ended.map_err(|panic| {
                CommandError::new(ErrorCode::Failed, format!("the reader failed: {panic}"))
            })??;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct FeedReader {
    format: Format,
    style: Style,
    follow: bool,
}

impl FeedReader {
    async fn read(
        self,
        api: &ApiClient,
        service: RemoteService,
        mut after: Option<i64>,
    ) -> Result<(), CommandError> {
        let wait = if self.follow { WAIT } else { 0 };
        loop {
            // Without a position: the oldest events that are there.
            let from = after.map_or_else(String::new, |after| format!("after={after}&"));
            let path = format!("{}?{from}limit={PAGE}&wait={wait}", paths::events::FEED);
            let batch = api.call(service, Method::GET, &path).await?;
            let events = batch.as_array().map(Vec::as_slice).unwrap_or_default();
            for event in events {
                after = position(event).or(after);
                output::print_line(self.show(service, event))?;
            }
            if events.is_empty() && !self.follow {
                return Ok(());
            }
        }
    }

    fn show(self, service: RemoteService, event: &Value) -> String {
        if self.format == Format::Json {
            return event.to_string();
        }
        let kind = text_at(event, "/type");
        let kind = kind.strip_prefix("vestibule.").unwrap_or(&kind);
        let position = position(event).map_or_else(String::new, |position| position.to_string());
        let data = event.get("data").map(Value::to_string).unwrap_or_default();
        format!(
            "{} {} {position:>6} {:28} {} {}",
            self.style.dim(printable(&text_at(event, "/time"))),
            self.style.service(service.name()),
            self.style.bold(printable(kind)),
            printable(&text_at(event, "/subject")),
            self.style.dim(printable(&data)),
        )
    }
}

/// The position of an event in the feed of its service.
fn position(event: &Value) -> Option<i64> {
    let position = event.get("position")?;
    position.as_i64().or_else(|| position.as_str()?.parse().ok())
}

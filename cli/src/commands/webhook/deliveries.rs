//! `vestibule webhook test`, `deliveries` and `replay`: sends a test event, lists deliveries, sends events again.

use std::io;
use std::time::Duration;

use contract::paths::webhooks::{DELIVERIES, DELIVERY, REPLAY, REPLAY_DELIVERY, TEST};
use reqwest::Method;
use serde_json::{Value, json};

use super::{WebhookArgs, WebhookHandle};
use crate::api::text_at;
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table};

/// The interval at which the outcome of a test is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The time to wait for the outcome. A receiver has 15 s for its answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(25);

/// Send an event that says nothing, and tell how the receiver took it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook test 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Test {
    #[command(flatten)]
    webhook: WebhookArgs,
}

/// List what was sent, is to be sent, and was given up; newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule webhook deliveries 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --state dead")]
pub(crate) struct Deliveries {
    #[command(flatten)]
    webhook: WebhookArgs,
    /// Only those
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Largest number of deliveries, at most 500
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u16,
}

/// Send again: one event, or everything that was given up
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule webhook replay 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c
  vestibule webhook replay 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --event 0199d2b8-91aa-7000-8000-3c4d5e6f7a8b")]
pub(crate) struct Replay {
    #[command(flatten)]
    webhook: WebhookArgs,
    /// The event's id; without it, everything that was given up
    #[arg(long, value_name = "ID")]
    event: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    Pending,
    Delivered,
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl Test {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let found = self.webhook.find().await?;
        let sent = found.call(Method::POST, &found.path(TEST, "")).await?;
        let event = text_at(&sent, "/event_id");
        let delivery = tokio::time::timeout(DELIVERY_TIMEOUT, wait_for_attempt(&found, &event)).await;
        let delivery = delivery.map_err(|_| {
            CommandError::new(
                ErrorCode::Failed,
                "the test is not sent yet: is something else on its way?",
            )
            .hint("`vestibule webhook deliveries` shows when it is.")
        })??;
        if text_at(&delivery, "/state") != "delivered" {
            let reason = text_at(&delivery, "/last_error");
            return Err(CommandError::new(
                ErrorCode::Failed,
                format!("the test did not arrive: {}", printable(&reason)),
            ));
        }
        match self.webhook.connection.output {
            Format::Json => output::print_json(&delivery),
            Format::Table => output::print_line(format!(
                "the receiver took it: {}",
                text_at(&delivery, "/last_status")
            )),
        }
    }
}

/// Waits until the delivery was attempted.
async fn wait_for_attempt(found: &WebhookHandle, event: &str) -> Result<Value, CommandError> {
    loop {
        let path = found.path(DELIVERY, event);
        let delivery = found.call(Method::GET, &path).await?;
        if text_at(&delivery, "/attempts") != "0" {
            return Ok(delivery);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

impl Deliveries {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let found = self.webhook.find().await?;
        let state = self
            .state
            .map_or_else(String::new, |state| format!("&state={}", state.name()));
        let path = format!("{}?limit={}{state}", found.path(DELIVERIES, ""), self.limit);
        let page = found.call(Method::GET, &path).await?;
        let deliveries = page.get("deliveries").cloned().unwrap_or_default();
        if self.webhook.connection.output == Format::Json {
            return output::print_json(&deliveries);
        }
        let mut table = Table::new(&[
            "EVENT",
            "TYPE",
            "STATE",
            "ATTEMPTS",
            "LAST ATTEMPT",
            "STATUS",
            "ERROR",
        ]);
        for delivery in deliveries.as_array().into_iter().flatten() {
            table.row([
                text_at(delivery, "/event_id"),
                text_at(delivery, "/type"),
                text_at(delivery, "/state"),
                text_at(delivery, "/attempts"),
                text_at(delivery, "/last_attempt_at"),
                text_at(delivery, "/last_status"),
                text_at(delivery, "/last_error"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let found = self.webhook.find().await?;
        let count = match &self.event {
            Some(event) => {
                let path = found.path(REPLAY_DELIVERY, event);
                found.call(Method::POST, &path).await?;
                1
            }
            None => {
                let answer = found.call(Method::POST, &found.path(REPLAY, "")).await?;
                answer.get("replayed").and_then(Value::as_u64).unwrap_or_default()
            }
        };
        match self.webhook.connection.output {
            Format::Json => output::print_json(&json!({ "replayed": count })),
            Format::Table => output::print_line(format!("{count} on the way again")),
        }
    }
}

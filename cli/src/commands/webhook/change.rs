//! `vestibule webhook update`, `delete` and `rotate`: changes a webhook, deletes it, or changes its secret.

use std::io;

use contract::catalogue;
use contract::paths::webhooks::{ROTATE_SECRET, WEBHOOK};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::add::full_type_names;
use super::{WebhookArgs, read_secret, state_text};
use crate::api::text_at;
use crate::error::CommandError;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, key_value_list};

/// Change a webhook; what is not named stays
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule webhook update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --url https://new.example.org/hooks
  vestibule webhook update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --disable")]
pub(crate) struct Update {
    #[command(flatten)]
    webhook: WebhookArgs,
    /// URL of the receiver
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The types of events, in place of those before; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Purpose of the webhook
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Send again, beginning with what was missed
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send nothing for now; what happens meanwhile is sent later
    #[arg(long)]
    disable: bool,
}

/// Delete a webhook, with everything that was to be sent
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Delete {
    #[command(flatten)]
    webhook: WebhookArgs,
}

/// Change the secret; prints the new one, once. The old one signs beside it for a while
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook rotate 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Rotate {
    #[command(flatten)]
    webhook: WebhookArgs,
    /// Read the new secret (`whsec_…`) from the first line of standard input, instead of having one made
    #[arg(long)]
    secret_stdin: bool,
    /// Forget the secret from before the last change, though it still signs
    #[arg(long)]
    force: bool,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let mut body = Map::new();
        for (name, value) in [("url", &self.url), ("description", &self.description)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.as_str().into());
            }
        }
        if !self.types.is_empty() {
            body.insert(
                "types".to_owned(),
                json!(full_type_names(&self.types, &catalogue())?),
            );
        }
        if self.enable || self.disable {
            body.insert("enabled".to_owned(), self.enable.into());
        }
        let found = self.webhook.find().await?;
        let changed = found
            .call_with(Method::PATCH, &found.path(WEBHOOK, ""), &Value::Object(body))
            .await?;
        if self.webhook.connection.output == Format::Json {
            return output::print_json(&changed);
        }
        output::print_line(format!(
            "{} is changed: {}",
            printable(&self.webhook.id),
            state_text(&changed)
        ))
    }
}

impl Delete {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let found = self.webhook.find().await?;
        found.call(Method::DELETE, &found.path(WEBHOOK, "")).await?;
        match self.webhook.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.webhook.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.webhook.id))),
        }
    }
}

impl Rotate {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let body = match self.secret_stdin {
            true => json!({ "secret": read_secret()?, "force": self.force }),
            false => json!({ "force": self.force }),
        };
        let found = self.webhook.find().await?;
        let rotated = found
            .call_with(Method::POST, &found.path(ROTATE_SECRET, ""), &body)
            .await?;
        if self.webhook.connection.output == Format::Json {
            return output::print_json(&rotated);
        }
        output::print_remark("Keep the secret now: it is not shown again.");
        let pairs = [
            ("secret", text_at(&rotated, "/secret")),
            ("old secret until", text_at(&rotated, "/previous_secret_until")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

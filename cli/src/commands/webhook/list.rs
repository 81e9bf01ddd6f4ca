//! `vestibule webhook list` and `show`: lists the webhooks, or shows one.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use super::add::with_service;
use super::{WebhookArgs, selected_services, state_text};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, key_value_list};

/// List webhooks
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook list --service users")]
pub(crate) struct List {
    /// Service whose webhooks are shown; without it, those of both services
    #[arg(long, value_enum)]
    service: Option<RemoteService>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one webhook, and how much waits for it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    #[command(flatten)]
    webhook: WebhookArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let mut found = Vec::new();
        for service in selected_services(&api, self.service) {
            found.extend(webhooks(&api, service).await?);
        }
        if self.connection.output == Format::Json {
            return output::print_json(&json!(found));
        }
        let mut table = Table::new(&["ID", "SERVICE", "STATE", "TYPES", "URL"]);
        for webhook in &found {
            table.row([
                text_at(webhook, "/id"),
                text_at(webhook, "/service"),
                state_text(webhook),
                text_at(webhook, "/types"),
                text_at(webhook, "/url"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn webhooks(api: &ApiClient, service: RemoteService) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let from = match after.as_str() {
            "" => String::new(),
            after => format!("?after={}", percent_encode(after)),
        };
        let path = format!("{}{from}", paths::webhooks::WEBHOOKS);
        let page = api.call(service, Method::GET, &path).await?;
        let webhooks = page.get("webhooks").and_then(Value::as_array);
        found.extend(
            webhooks
                .into_iter()
                .flatten()
                .map(|webhook| with_service(webhook, service)),
        );
        after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
    }
}

impl Show {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let found = self.webhook.find().await?;
        let webhook = with_service(&found.webhook, found.service);
        if self.webhook.connection.output == Format::Json {
            return output::print_json(&webhook);
        }
        let pairs = [
            ("id", text_at(&webhook, "/id")),
            ("service", text_at(&webhook, "/service")),
            ("url", text_at(&webhook, "/url")),
            ("types", text_at(&webhook, "/types")),
            ("description", text_at(&webhook, "/description")),
            ("state", state_text(&webhook)),
            ("pending", text_at(&webhook, "/deliveries/pending")),
            ("given up", text_at(&webhook, "/deliveries/dead")),
            ("old secret until", text_at(&webhook, "/previous_secret_until")),
            ("created", text_at(&webhook, "/created_at")),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

//! `vestibule webhook list` and `show`.

use std::io;

use reqwest::Method;
use serde_json::{Value, json};

use super::add::with_service;
use super::{Which, sides, state};
use crate::api::{Api, Side, Target, escape, text};
use crate::failure::Failure;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, sheet};

/// List webhooks
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook list --service users")]
pub(crate) struct List {
    /// Whose webhooks; without it, those of both services
    #[arg(long, value_enum)]
    service: Option<Side>,
    #[command(flatten)]
    target: Target,
}

/// Show one webhook, and how much waits for it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    #[command(flatten)]
    which: Which,
}

impl List {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["admin"])?;
        let mut found = Vec::new();
        for side in sides(&api, self.service) {
            found.extend(webhooks(&api, side).await?);
        }
        if self.target.output == Format::Json {
            return output::json(&json!(found));
        }
        let mut table = Table::new(&["ID", "SERVICE", "STATE", "TYPES", "URL"]);
        for webhook in &found {
            table.row([
                text(webhook, "/id"),
                text(webhook, "/service"),
                state(webhook),
                text(webhook, "/types"),
                text(webhook, "/url"),
            ]);
        }
        output::line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Page after page: each names the id to go on from.
async fn webhooks(api: &Api, side: Side) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let from = match after.as_str() {
            "" => String::new(),
            after => format!("?after={}", escape(after)),
        };
        let path = format!("/admin/v1/webhooks{from}");
        let page = api.call(side, Method::GET, &path).await?;
        let webhooks = page.get("webhooks").and_then(Value::as_array);
        found.extend(
            webhooks
                .into_iter()
                .flatten()
                .map(|webhook| with_service(webhook, side)),
        );
        after = text(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
    }
}

impl Show {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let found = self.which.find().await?;
        let webhook = with_service(&found.webhook, found.side);
        if self.which.target.output == Format::Json {
            return output::json(&webhook);
        }
        let pairs = [
            ("id", text(&webhook, "/id")),
            ("service", text(&webhook, "/service")),
            ("url", text(&webhook, "/url")),
            ("types", text(&webhook, "/types")),
            ("description", text(&webhook, "/description")),
            ("state", state(&webhook)),
            ("pending", text(&webhook, "/deliveries/pending")),
            ("given up", text(&webhook, "/deliveries/dead")),
            ("old secret until", text(&webhook, "/previous_secret_until")),
            ("created", text(&webhook, "/created_at")),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        output::line(sheet(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

//! `vestibule webhook update`, `remove` and `rotate`.

use std::io;

use contract::catalogue;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::add::full;
use super::{Which, read_secret, state};
use crate::api::text;
use crate::failure::Failure;
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, sheet};

/// Change a webhook; what is not named stays
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule webhook update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --url https://new.example.org/hooks
  vestibule webhook update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --disable")]
pub(crate) struct Update {
    #[command(flatten)]
    which: Which,
    /// Where to send
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The types of events, in place of those before; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Send again, beginning with what was missed
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send nothing for now; what happens meanwhile is sent later
    #[arg(long)]
    disable: bool,
}

/// Remove a webhook, with everything that was to be sent
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook remove 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Remove {
    #[command(flatten)]
    which: Which,
}

/// Change the secret; prints the new one, once. The old one signs beside it for a while
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule webhook rotate 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Rotate {
    #[command(flatten)]
    which: Which,
    /// Read the new secret (`whsec_…`) from the first line of standard input, instead of having one made
    #[arg(long)]
    secret_stdin: bool,
    /// Forget the secret from before the last change, though it still signs
    #[arg(long)]
    force: bool,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut body = Map::new();
        for (name, value) in [("url", &self.url), ("description", &self.description)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.as_str().into());
            }
        }
        if !self.types.is_empty() {
            body.insert("types".to_owned(), json!(full(&self.types, &catalogue())?));
        }
        if self.enable || self.disable {
            body.insert("enabled".to_owned(), self.enable.into());
        }
        let found = self.which.find().await?;
        let changed = found.call_with(Method::PATCH, "", &Value::Object(body)).await?;
        if self.which.target.output == Format::Json {
            return output::json(&changed);
        }
        output::line(format!(
            "{} is changed: {}",
            printable(&self.which.id),
            state(&changed)
        ))
    }
}

impl Remove {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.which.find().await?.call(Method::DELETE, "").await?;
        match self.which.target.output {
            Format::Json => output::json(&json!({ "id": self.which.id, "removed": true })),
            Format::Table => output::line(format!("{} is removed", printable(&self.which.id))),
        }
    }
}

impl Rotate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let body = match self.secret_stdin {
            true => json!({ "secret": read_secret()?, "force": self.force }),
            false => json!({ "force": self.force }),
        };
        let found = self.which.find().await?;
        let rotated = found.call_with(Method::POST, "/rotate-secret", &body).await?;
        if self.which.target.output == Format::Json {
            return output::json(&rotated);
        }
        output::remark("Keep the secret now: it is not shown again.");
        let pairs = [
            ("secret", text(&rotated, "/secret")),
            ("old secret until", text(&rotated, "/previous_secret_until")),
        ];
        output::line(sheet(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

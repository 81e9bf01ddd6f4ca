//! `vestibule provisioning list` and `status`: lists the targets, or shows how far one is.

use std::io;

use contract::paths::provisioning::TARGETS;
use reqwest::Method;
use serde_json::{Value, json};

use super::{TargetArgs, call, state_text};
use crate::api::{ApiClient, ConnectionArgs, percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, key_value_list};

/// List the targets
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule provisioning list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show a target: what is in step, what waits, what was given up, and why nothing is pushed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule provisioning status 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Status {
    #[command(flatten)]
    target: TargetArgs,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let from = match after.as_str() {
                "" => String::new(),
                after => format!("?after={}", percent_encode(after)),
            };
            let page = call(&api, Method::GET, &format!("{TARGETS}{from}")).await?;
            let targets = page.get("targets").and_then(Value::as_array);
            found.extend(targets.into_iter().flatten().cloned());
            after = text_at(&page, "/next");
            if after.is_empty() {
                break;
            }
        }
        if self.connection.output == Format::Json {
            return output::print_json(&json!(found));
        }
        let mut table = Table::new(&["ID", "NAME", "STATE", "URL"]);
        for target in &found {
            table.row([
                text_at(target, "/id"),
                text_at(target, "/name"),
                state_text(target),
                text_at(target, "/base_url"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Status {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let target = self.target.read(&self.target.api()?).await?;
        if self.target.connection.output == Format::Json {
            return output::print_json(&target);
        }
        let error = match text_at(&target, "/paused/error").as_str() {
            "" => text_at(&target, "/failing/error"),
            error => error.to_owned(),
        };
        let pairs = [
            ("id", text_at(&target, "/id")),
            ("name", text_at(&target, "/name")),
            ("url", text_at(&target, "/base_url")),
            ("credentials", text_at(&target, "/credentials_type")),
            ("state", state_text(&target)),
            ("error", error),
            ("next attempt", text_at(&target, "/failing/paused_until")),
            ("in step", text_at(&target, "/resources/in_step")),
            ("waiting", text_at(&target, "/resources/waiting")),
            ("given up", text_at(&target, "/resources/dead")),
            ("under way", sweeps(&target)),
            ("created", text_at(&target, "/created_at")),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

/// The walks over the directory, such as `users (1500 looked at)`.
fn sweeps(target: &Value) -> String {
    let sweeps = target.get("sweeps").and_then(Value::as_array);
    let line = |sweep: &Value| {
        let (kind, scanned) = (text_at(sweep, "/kind"), text_at(sweep, "/scanned"));
        format!("{kind} ({scanned} looked at)")
    };
    let lines: Vec<String> = sweeps.into_iter().flatten().map(line).collect();
    lines.join(", ")
}

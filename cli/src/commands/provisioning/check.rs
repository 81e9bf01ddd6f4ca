//! `vestibule provisioning dry-run` and `check`: shows what would be pushed, and compares an application with the directory.

use std::io;
use std::time::Duration;

use contract::paths::provisioning::{DRIFT_CHECK, DRY_RUN};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::add::RulesArgs;
use super::{TargetArgs, call, call_with};
use crate::api::text_at;
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table, key_value_list};

/// The interval at which the state of a check is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Show what a sync would push, without pushing it; with rules, what they would bring about
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning dry-run 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c
  vestibule provisioning dry-run 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --rules new-rules.json --limit 1000
  vestibule provisioning dry-run 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --adopt by-user-name")]
pub(crate) struct DryRun {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Stop after so many pushes
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Compare what an application has with what it should have; ends with 1 when they differ
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning check 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c
  vestibule provisioning check 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --repair")]
pub(crate) struct Check {
    #[command(flatten)]
    target: TargetArgs,
    /// Push what differs or is missing once more
    #[arg(long)]
    repair: bool,
}

impl DryRun {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = self.target.api()?;
        let rules = self.rules.changed(&self.target, &api).await?;
        let mut found: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let left = self.limit.saturating_sub(found.len()).clamp(1, 50);
            let mut body = Map::new();
            body.insert("limit".to_owned(), left.into());
            body.extend(rules.clone().map(|rules| ("rules".to_owned(), rules)));
            body.extend(after.take().map(|after| ("after".to_owned(), after.into())));
            let page = call_with(
                &api,
                Method::POST,
                &self.target.path(DRY_RUN),
                &Value::Object(body),
            )
            .await?;
            let pushes = page.get("pushes").and_then(Value::as_array);
            found.extend(pushes.into_iter().flatten().cloned());
            let next = text_at(&page, "/next");
            if next.is_empty() || found.len() >= self.limit {
                return self.show(&found, !next.is_empty());
            }
            after = Some(next);
        }
    }

    fn show(&self, found: &[Value], more: bool) -> Result<(), CommandError> {
        if self.target.connection.output == Format::Json {
            return output::print_json(&json!(found));
        }
        let mut table = Table::new(&["ACTION", "KIND", "ID", "AT THE TARGET", "ATTRIBUTES"]);
        for push in found {
            let attributes = match text_at(push, "/reason").as_str() {
                "" => text_at(push, "/attributes"),
                reason => reason.to_owned(),
            };
            table.row([
                text_at(push, "/action"),
                text_at(push, "/kind"),
                text_at(push, "/resource_id"),
                text_at(push, "/remote_id"),
                attributes,
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))?;
        if more {
            output::print_remark("There may be more: see --limit.");
        }
        Ok(())
    }
}

impl Check {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = self.target.api()?;
        let path = self.target.path(DRIFT_CHECK);
        let body = json!({ "repair": self.repair });
        let begun = call_with(&api, Method::POST, &path, &body).await?;
        let id = text_at(&begun, "/id");
        let ended = loop {
            let check = call(&api, Method::GET, &path).await?;
            if text_at(&check, "/id") != id {
                return Err(CommandError::new(ErrorCode::Failed, "another check has begun"));
            }
            if !text_at(&check, "/finished_at").is_empty() {
                break check;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        };
        self.show(&ended)
    }

    fn show(&self, check: &Value) -> Result<(), CommandError> {
        if self.target.connection.output == Format::Json {
            output::print_json(check)?;
        } else {
            let names = ["compared", "different", "missing", "unmanaged", "not_compared"];
            let pairs: Vec<(&str, String)> = names
                .iter()
                .map(|name| (*name, text_at(check, &format!("/{name}"))))
                .filter(|(name, count)| *name != "not_compared" || count != "0")
                .map(|(name, count)| {
                    (
                        if name == "not_compared" {
                            "not compared"
                        } else {
                            name
                        },
                        count,
                    )
                })
                .collect();
            let style = Style::choose(Color::Auto, &io::stdout());
            output::print_line(key_value_list(&pairs, style))?;
            let mut table = Table::new(&["FINDING", "KIND", "ID", "AT THE TARGET", "ATTRIBUTES"]);
            let findings = check.get("findings").and_then(Value::as_array);
            for finding in findings.into_iter().flatten() {
                table.row([
                    text_at(finding, "/finding"),
                    text_at(finding, "/kind"),
                    text_at(finding, "/resource_id"),
                    text_at(finding, "/remote_id"),
                    text_at(finding, "/attributes"),
                ]);
            }
            let style = Style::choose(Color::Auto, &io::stdout());
            output::print_line(table.render(style))?;
        }
        let count = |name: &str| check.get(name).and_then(Value::as_i64).unwrap_or_default();
        match text_at(check, "/error").as_str() {
            "" if count("different") + count("missing") == 0 => Ok(()),
            "" if self.repair => {
                output::print_remark("What differs is pushed once more.");
                Ok(())
            }
            "" => Err(
                CommandError::new(ErrorCode::Failed, "the application differs from the directory")
                    .hint("`--repair` pushes what differs once more."),
            ),
            error => Err(CommandError::new(ErrorCode::Failed, error.to_owned())),
        }
    }
}

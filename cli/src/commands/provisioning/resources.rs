//! `vestibule provisioning resources` and `retry`: lists users and groups at a target, and has them pushed once more.

use std::io;

use contract::paths;
use contract::paths::provisioning::{RESOURCES, RETRY, RETRY_RESOURCE};
use reqwest::Method;
use serde_json::{Value, json};

use super::{TargetArgs, call};
use crate::api::{percent_encode, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// List the users and groups at a target, with the reason of the last failure
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  vestibule provisioning resources 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --state dead")]
pub(crate) struct Resources {
    #[command(flatten)]
    target: TargetArgs,
    /// Only those
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Largest number of resources, at most 500
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u16,
    /// Begin after this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// Push again what was given up, or one user or group
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning retry 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c
  vestibule provisioning retry 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --resource 0199d2b8-91aa-7000-8000-3c4d5e6f7a8b")]
pub(crate) struct Retry {
    #[command(flatten)]
    target: TargetArgs,
    /// Id of the user or group; without it, everything that was given up
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    Waiting,
    InStep,
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InStep => "in_step",
            Self::Dead => "dead",
        }
    }
}

impl Resources {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let mut path = format!("{}?limit={}", self.target.path(RESOURCES), self.limit);
        for (name, value) in [
            ("state", self.state.map(State::name)),
            ("after", self.after.as_deref()),
        ] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", percent_encode(value)));
            }
        }
        let page = call(&self.target.api()?, Method::GET, &path).await?;
        if self.target.connection.output == Format::Json {
            return output::print_json(&page);
        }
        let mut table = Table::new(&["ID", "KIND", "STATE", "ATTEMPTS", "AT THE TARGET", "ERROR"]);
        let resources = page.get("resources").and_then(Value::as_array);
        for resource in resources.into_iter().flatten() {
            table.row([
                text_at(resource, "/resource_id"),
                text_at(resource, "/kind"),
                text_at(resource, "/state"),
                text_at(resource, "/attempts"),
                text_at(resource, "/remote_id"),
                text_at(resource, "/last_error"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))?;
        match text_at(&page, "/next").as_str() {
            "" => Ok(()),
            next => {
                output::print_remark(format!("There are more: --after {next}"));
                Ok(())
            }
        }
    }
}

impl Retry {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = self.target.api()?;
        let count = match &self.resource {
            Some(resource) => {
                let path = paths::fill(RETRY_RESOURCE, &[&self.target.id, resource]);
                call(&api, Method::POST, &path).await?;
                "1".to_owned()
            }
            None => {
                let retried = call(&api, Method::POST, &self.target.path(RETRY)).await?;
                text_at(&retried, "/retried")
            }
        };
        match self.target.connection.output {
            Format::Json => {
                output::print_json(&json!({ "retried": count.parse::<u64>().unwrap_or_default() }))
            }
            Format::Table => output::print_line(format!("{count} on the way again")),
        }
    }
}

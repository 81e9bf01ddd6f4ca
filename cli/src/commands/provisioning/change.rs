//! `vestibule provisioning update`, `delete` and `sync`: changes a target, deletes it, or has everything pushed that differs.

use contract::paths::provisioning::{SYNC, TARGET};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::add::{ClientArgs, RulesArgs};
use super::{TargetArgs, call, call_with, state_text};
use crate::error::CommandError;
use crate::logs::printable;
use crate::output::{self, Format};

/// Change a target; what is not named stays, but a file of rules replaces them all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --pause
  vestibule provisioning update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --adopt by-user-name
  vestibule provisioning update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --credentials < new-token")]
pub(crate) struct Update {
    #[command(flatten)]
    target: TargetArgs,
    /// Name of the target
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Base URL of the SCIM endpoint
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Read new credentials: the secret is the first line of standard input
    #[arg(long)]
    credentials: bool,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Push nothing for now; what changes meanwhile is pushed later
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Push again
    #[arg(long)]
    resume: bool,
}

/// Delete a target; the accounts at the application stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule provisioning delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Delete {
    #[command(flatten)]
    target: TargetArgs,
}

/// Compare the whole directory with what was pushed, and push what differs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule provisioning sync 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --verify"
)]
pub(crate) struct Sync {
    #[command(flatten)]
    target: TargetArgs,
    /// Ask the application what it has of everything that was pushed
    #[arg(long)]
    verify: bool,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let mut body = Map::new();
        for (name, value) in [("name", &self.name), ("base_url", &self.base_url)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.as_str().into());
            }
        }
        if self.credentials {
            body.insert("credentials".to_owned(), self.client.credentials()?);
        }
        if self.pause || self.resume {
            body.insert("enabled".to_owned(), self.resume.into());
        }
        let api = self.target.api()?;
        if let Some(rules) = self.rules.changed(&self.target, &api).await? {
            body.insert("rules".to_owned(), rules);
        }
        let changed = call_with(
            &api,
            Method::PATCH,
            &self.target.path(TARGET),
            &Value::Object(body),
        )
        .await?;
        if self.target.connection.output == Format::Json {
            return output::print_json(&changed);
        }
        output::print_line(format!(
            "{} is changed: {}",
            printable(&self.target.id),
            state_text(&changed)
        ))
    }
}

impl Delete {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        call(&self.target.api()?, Method::DELETE, &self.target.path(TARGET)).await?;
        match self.target.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.target.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.target.id))),
        }
    }
}

impl Sync {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let body = json!({ "verify": self.verify });
        call_with(&self.target.api()?, Method::POST, &self.target.path(SYNC), &body).await?;
        match self.target.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.target.id, "sync": "begun" })),
            Format::Table => output::print_line(
                "The sync is under way; `vestibule provisioning status` shows how far it is.",
            ),
        }
    }
}

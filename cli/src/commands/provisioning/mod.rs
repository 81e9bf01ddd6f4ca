//! `vestibule provisioning`: the applications whose SCIM endpoints users and groups are pushed to.

mod add;
mod change;
mod check;
mod resources;
mod status;

use contract::paths;
use contract::paths::provisioning::TARGET;
use reqwest::Method;
use serde_json::Value;

use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;

/// Outbound provisioning: add, list, status, update, delete, sync, resources, retry, dry-run, check
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Provisioning {
    Add(add::Add),
    List(status::List),
    Status(status::Status),
    Update(change::Update),
    Delete(change::Delete),
    Sync(change::Sync),
    Resources(resources::Resources),
    Retry(resources::Retry),
    DryRun(check::DryRun),
    Check(check::Check),
}

impl Provisioning {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Status(status) => status.run().await,
            Self::Update(update) => update.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Sync(sync) => sync.run().await,
            Self::Resources(resources) => resources.run().await,
            Self::Retry(retry) => retry.run().await,
            Self::DryRun(dry_run) => dry_run.run().await,
            Self::Check(check) => check.run().await,
        }
    }
}

/// One target
#[derive(Debug, clap::Args)]
struct TargetArgs {
    /// The target's id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl TargetArgs {
    fn api(&self) -> Result<ApiClient, CommandError> {
        ApiClient::new(&self.connection, &["admin"])
    }

    /// The target.
    async fn read(&self, api: &ApiClient) -> Result<Value, ApiError> {
        call(api, Method::GET, &self.path(TARGET)).await
    }

    /// A path of `contract::paths` with the id of the target.
    fn path(&self, path: &str) -> String {
        paths::fill(path, &[&self.id])
    }
}

async fn call(api: &ApiClient, method: Method, path: &str) -> Result<Value, ApiError> {
    api.call(RemoteService::Users, method, path).await
}

async fn call_with(api: &ApiClient, method: Method, path: &str, body: &Value) -> Result<Value, ApiError> {
    api.call_with(RemoteService::Users, method, path, body).await
}

/// `enabled`, `failing`, or `paused` with the reason.
fn state_text(target: &Value) -> String {
    match text_at(target, "/paused/reason").as_str() {
        "" if text_at(target, "/failing/failures").is_empty() => "enabled".to_owned(),
        "" => "failing".to_owned(),
        reason => format!("paused ({reason})"),
    }
}

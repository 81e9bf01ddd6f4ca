//! `vestibule delegation`: the administration of some people, given to a person or to the members of a group.

mod add;
mod list;

use contract::paths;
use reqwest::Method;
use serde_json::json;

use crate::api::{ApiClient, ConnectionArgs, RemoteService};
use crate::error::CommandError;
use crate::logs::printable;
use crate::output::{self, Format};

/// Delegated administrators: add, list, show, delete
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Delegation {
    Add(add::Add),
    List(list::List),
    Show(list::Show),
    Delete(Delete),
}

/// End a delegation; it gives nothing from then on
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule delegation delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Delete {
    /// The delegation's id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Delegation {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Delete(delete) => delete.run().await,
        }
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        api.call(RemoteService::Users, Method::DELETE, &delegation_path(&self.id))
            .await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "id": self.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.id))),
        }
    }
}

fn delegation_path(id: &str) -> String {
    paths::fill(paths::users::DELEGATION, &[id])
}

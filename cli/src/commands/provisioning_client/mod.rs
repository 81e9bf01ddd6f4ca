//! `vestibule provisioning-client`: clients that provision over SCIM with a long-lived bearer token.

mod add;

mod list;
mod tokens;
mod update;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService};
use crate::error::CommandError;
use crate::logs::printable;
use crate::output::{self, Format};

/// Systems that provision people over SCIM with a bearer token: Entra ID, Okta
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProvisioningClient {
    Add(add::Add),
    List(list::List),
    Show(list::Show),
    Update(update::Update),
    Rotate(tokens::Rotate),
    RevokeToken(tokens::RevokeToken),
    Delete(Delete),
}

/// Delete a provisioning client; its tokens are refused from then on
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  vestibule provisioning-client delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c"
)]
pub(crate) struct Delete {
    #[command(flatten)]
    client: ClientArgs,
}

/// One provisioning client
#[derive(Debug, clap::Args)]
struct ClientArgs {
    /// The provisioning client's id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ProvisioningClient {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Update(update) => update.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::RevokeToken(revoke) => revoke.run().await,
            Self::Delete(delete) => delete.run().await,
        }
    }
}

impl ClientArgs {
    /// Calls a path of `contract::paths` with the id of the client, and of one of its tokens.
    async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = paths::fill(path, &[&self.id, token]);
        let answer = match body {
            Some(body) => api.call_with(RemoteService::Users, method, &path, body).await,
            None => api.call(RemoteService::Users, method, &path).await,
        };
        Ok(answer?)
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let client = &self.client;
        let path = paths::users::PROVISIONING_CLIENT;
        client.call(Method::DELETE, path, "", None).await?;
        match client.connection.output {
            Format::Json => output::print_json(&json!({ "id": client.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&client.id))),
        }
    }
}

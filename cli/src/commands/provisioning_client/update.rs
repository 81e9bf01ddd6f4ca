//! `vestibule provisioning-client update`: changes what a client may do.

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::ClientArgs;
use super::list::print_client;
use crate::error::{CommandError, ErrorCode};

/// Change the name, the scopes or the networks of a provisioning client; its tokens stay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning-client update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --name 'Entra ID (test)'
  vestibule provisioning-client update 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --any-network")]
pub(crate) struct Update {
    #[command(flatten)]
    client: ClientArgs,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// Scope, in place of those before; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Network that its requests come from, in place of those before; may be given several times
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Accept its requests from every network
    #[arg(long, conflicts_with = "networks")]
    any_network: bool,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let body = self.body();
        if body.is_empty() {
            let message = "name what is to change: --name, --scope, --network or --any-network";
            return Err(CommandError::new(ErrorCode::Usage, message));
        }
        let path = paths::users::PROVISIONING_CLIENT;
        let changed = self
            .client
            .call(Method::PATCH, path, "", Some(&body.into()))
            .await?;
        print_client(&changed, self.client.connection.output)
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        if let Some(name) = &self.name {
            body.insert("name".to_owned(), name.as_str().into());
        }
        if !self.scopes.is_empty() {
            body.insert("scopes".to_owned(), json!(self.scopes));
        }
        if self.any_network || !self.networks.is_empty() {
            body.insert("networks".to_owned(), json!(self.networks));
        }
        body
    }
}

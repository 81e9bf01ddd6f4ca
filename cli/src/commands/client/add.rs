//! `vestibule client add`: registers a client.

use std::io;

use contract::paths;
use oidc::client::ClientMetadata;
use reqwest::Method;

use super::metadata::MetadataArgs;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

/// Register an application; prints its id and, once, its secret
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule client add 'Web shop' --redirect-uri https://shop.example.org/callback
  vestibule client add 'Phone app' --public --redirect-uri http://127.0.0.1/callback
  vestibule client add 'Old wiki' --token-endpoint-auth-method client_secret_post \\
    --redirect-uri https://wiki.example.org/callback
  vestibule client add 'Nightly job' --grant-type client_credentials --scope users:read
  vestibule client add 'Stock API' --grant-type client_credentials --resource https://stock.example.org
  vestibule client add 'Bank' --token-endpoint-auth-method private_key_jwt \\
    --jwks-uri https://bank.example.org/jwks --redirect-uri https://bank.example.org/callback")]
pub(crate) struct Add {
    /// Name that people see
    client_name: String,
    #[command(flatten)]
    metadata: MetadataArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let body = self.metadata()?;
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let body = serde_json::to_value(body)
            .map_err(|error| CommandError::new(ErrorCode::Failed, error.to_string()))?;
        let made = api
            .call_with(RemoteService::Auth, Method::POST, paths::auth::CLIENTS, &body)
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&made);
        }
        let mut pairs = vec![("client_id", text_at(&made, "/client_id"))];
        let secret = text_at(&made, "/client_secret");
        if !secret.is_empty() {
            pairs.push(("client_secret", secret));
            output::print_remark("Keep the secret now: it is not shown again.");
        }
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }

    /// The metadata of the client.
    pub(super) fn metadata(&self) -> Result<ClientMetadata, CommandError> {
        let mut metadata = ClientMetadata {
            client_name: Some(self.client_name.clone()),
            ..ClientMetadata::default()
        };
        self.metadata.apply(&mut metadata)?;
        Ok(metadata)
    }
}

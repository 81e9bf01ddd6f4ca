//! `vestibule client update`: changes some metadata of a client.

use std::io;

use oidc::client::{ClientMetadata, extended_members};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::Value;

use super::client_path;
use super::metadata::MetadataArgs;
use crate::api::{ApiClient, ConnectionArgs, RemoteService, SET_BY_SERVER, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

/// Change an application; what is not named stays as it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A list that is named replaces the list of before. The application keeps its secrets, unless it authenticates without one
from now on; then they are deleted.

Examples:
  vestibule client update app-0199d2b87a3e7c119b0a2f4d5e6a7b8c --name 'Web shop' \\
    --redirect-uri https://shop.example.org/callback --redirect-uri https://shop.example.com/callback
  vestibule client update app-0199d2b87a3e7c119b0a2f4d5e6a7b8c --token-endpoint-auth-method private_key_jwt \\
    --jwks-uri https://shop.example.org/jwks")]
pub(crate) struct Update {
    /// The application's client_id
    id: String,
    /// Name that people see
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    metadata: MetadataArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        if self.name.is_none() && !self.metadata.is_given() {
            return Err(CommandError::new(
                ErrorCode::Usage,
                "name something to change, such as --redirect-uri".to_owned(),
            ));
        }
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let path = client_path(&self.id);
        let known = api.call(RemoteService::Auth, Method::GET, &path).await?;
        let body = self.changed(known.clone())?;
        let tag = format!("\"{}\"", text_at(&known, "/version"));
        // A change that somebody made meanwhile is not undone.
        let request = api.request(RemoteService::Auth, Method::PUT, &path)?;
        let request = request.header(IF_MATCH, tag).json(&body);
        let updated = api.send(RemoteService::Auth, request).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&updated);
        }
        let mut pairs = vec![
            ("client_id", text_at(&updated, "/client_id")),
            ("version", text_at(&updated, "/version")),
        ];
        let secret = text_at(&updated, "/client_secret");
        if !secret.is_empty() {
            pairs.push(("client_secret", secret));
            output::print_remark("Keep the secret now: it is not shown again.");
        }
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }

    /// The body of the request: `known` with the changes. A member of a later release, which this one does not know, goes back as
    /// it came, or the service would give it its default.
    pub(super) fn changed(&self, known: Value) -> Result<Value, CommandError> {
        let Value::Object(mut body) = known else {
            return Ok(known);
        };
        body.retain(|name, _| !SET_BY_SERVER.contains(&name.as_str()));
        let members = extended_members("");
        let mut understood = body.clone();
        understood.retain(|name, _| members.contains(&name.as_str()));
        let mut metadata: ClientMetadata =
            serde_json::from_value(Value::Object(understood)).map_err(failed)?;
        if let Some(name) = &self.name {
            metadata.client_name = Some(name.clone());
        }
        self.metadata.apply(&mut metadata)?;
        body.retain(|name, _| !members.contains(&name.as_str()));
        if let Value::Object(changed) = serde_json::to_value(metadata).map_err(failed)? {
            body.extend(changed);
        }
        Ok(Value::Object(body))
    }
}

fn failed(error: serde_json::Error) -> CommandError {
    CommandError::new(ErrorCode::Failed, error.to_string())
}

//! `vestibule client`: the registered OAuth clients.

use std::io;

use contract::paths;
use oidc::client::{AuthMethod, ClientMetadata, GrantType, InvalidMetadata};
use oidc::redirect_uri::RedirectUri;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format, Table, key_value_list};

/// Applications (OAuth clients): add, list, show, delete
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Client {
    Add(Add),
    List(List),
    Show(Show),
    Delete(Delete),
}

/// Register an application; prints its id and, once, its secret
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule client add 'Web shop' --redirect-uri https://shop.example.org/callback
  vestibule client add 'Phone app' --public --redirect-uri http://127.0.0.1/callback
  vestibule client add 'Old wiki' --token-endpoint-auth-method client_secret_post \\
    --redirect-uri https://wiki.example.org/callback
  vestibule client add 'Nightly job' --grant-type client_credentials --scope users:read")]
pub(crate) struct Add {
    /// Name that people see
    client_name: String,
    /// URI to which people return after signing in, matched exactly; may be given several times
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<RedirectUri>,
    /// URI to which people may return after signing out; may be given several times
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<RedirectUri>,
    /// The application cannot keep a secret: it runs on a phone, a desktop or in a browser
    #[arg(long)]
    public: bool,
    /// Authentication method at the token endpoint: client_secret_basic (the secret in the header
    /// Authorization) or client_secret_post (the secret in the form)
    #[arg(
        long,
        value_name = "METHOD",
        conflicts_with = "public",
        default_value = "client_secret_basic"
    )]
    token_endpoint_auth_method: AuthMethod,
    /// Grants that it may use: authorization_code, refresh_token, client_credentials [default: authorization_code and
    /// refresh_token]
    #[arg(long, value_name = "GRANT")]
    grant_type: Vec<GrantType>,
    /// Scopes that it may ask for [default: openid, profile, email, groups, offline_access]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List applications
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show one application
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client show 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Show {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Delete an application; its tokens end
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule client delete 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c")]
pub(crate) struct Delete {
    /// The application's client_id
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Client {
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

impl Add {
    async fn run(self) -> Result<(), CommandError> {
        let body = self
            .metadata()
            .map_err(|invalid| CommandError::new(ErrorCode::Usage, invalid.to_string()))?;
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
    fn metadata(&self) -> Result<ClientMetadata, InvalidMetadata> {
        let default = ClientMetadata::default();
        let metadata = ClientMetadata {
            client_name: Some(self.client_name.clone()),
            redirect_uris: self.redirect_uri.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uri.clone(),
            grant_types: match self.grant_type.as_slice() {
                [] => default.grant_types,
                named => named.iter().copied().collect(),
            },
            scope: match self.scope.join(" ").parse() {
                Ok(named) if !self.scope.is_empty() => named,
                Ok(_) => default.scope,
                Err(_) => {
                    return Err(InvalidMetadata {
                        field: "scope",
                        detail: "expected scopes of RFC 6749 §3.3",
                    });
                }
            },
            token_endpoint_auth_method: match self.public {
                true => AuthMethod::None,
                false => self.token_endpoint_auth_method,
            },
            ..default
        };
        metadata.check()?;
        Ok(metadata)
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let clients = clients(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(clients));
        }
        let mut table = Table::new(&["NAME", "KIND", "GRANT TYPES", "CLIENT ID"]);
        for client in &clients {
            table.row([
                text_at(client, "/client_name"),
                client_kind(client).to_owned(),
                text_at(client, "/grant_types"),
                text_at(client, "/client_id"),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn clients(api: &ApiClient) -> Result<Vec<Value>, CommandError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{}?after={}", paths::auth::CLIENTS, percent_encode(&after));
        let mut page = api.call(RemoteService::Auth, Method::GET, &path).await?;
        if let Some(Value::Array(clients)) = page.get_mut("clients").map(Value::take) {
            found.extend(clients);
        }
        after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
    }
}

fn client_kind(client: &Value) -> &'static str {
    match text_at(client, "/token_endpoint_auth_method").as_str() {
        "none" => "public",
        _ => "confidential",
    }
}

impl Show {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let client = api
            .call(RemoteService::Auth, Method::GET, &client_path(&self.id))
            .await?;
        if self.connection.output == Format::Json {
            return output::print_json(&client);
        }
        let pairs = [
            ("client_id", text_at(&client, "/client_id")),
            ("client_name", text_at(&client, "/client_name")),
            ("kind", client_kind(&client).to_owned()),
            ("redirect_uris", text_at(&client, "/redirect_uris")),
            (
                "post_logout_redirect_uris",
                text_at(&client, "/post_logout_redirect_uris"),
            ),
            ("grant_types", text_at(&client, "/grant_types")),
            ("scope", text_at(&client, "/scope")),
            ("created", text_at(&client, "/created_at")),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

impl Delete {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        api.call(RemoteService::Auth, Method::DELETE, &client_path(&self.id))
            .await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "client_id": self.id, "deleted": true })),
            Format::Table => output::print_line(format!("{} is deleted", printable(&self.id))),
        }
    }
}

fn client_path(id: &str) -> String {
    paths::fill(paths::auth::CLIENT, &[id])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: Add,
    }

    fn metadata(arguments: &[&str]) -> Result<ClientMetadata, String> {
        let line = Line::try_parse_from([&["x", "Shop"], arguments].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.add.metadata().map_err(|invalid| invalid.to_string())
    }

    const CALLBACK: [&str; 2] = ["--redirect-uri", "https://shop.example.org/callback"];
    const POST: [&str; 2] = ["--token-endpoint-auth-method", "client_secret_post"];

    #[test]
    fn a_client_is_registered_for_the_one_method_that_was_named() {
        for (arguments, method) in [
            (&[][..], AuthMethod::ClientSecretBasic),
            (&["--public"], AuthMethod::None),
            (&POST, AuthMethod::ClientSecretPost),
        ] {
            let made = metadata(&[&CALLBACK, arguments].concat()).expect("metadata");
            assert_eq!(made.token_endpoint_auth_method, method);
            assert_eq!(made.scope, ClientMetadata::default().scope);
        }
        let both = [&CALLBACK[..], &POST, &["--public"]].concat();
        assert!(metadata(&both).is_err(), "a public client has no secret");
    }

    #[test]
    fn what_does_not_fit_together_is_said_before_the_service_is_asked() {
        for (arguments, expected) in [
            (&[][..], "redirect_uris: "),
            (
                &["--public", "--grant-type", "client_credentials"],
                "token_endpoint_auth_method: ",
            ),
            (
                &["--grant-type", "client_credentials", "--scope", "a\"b"],
                "scope: ",
            ),
        ] {
            let refused = metadata(arguments).expect_err("it is refused");
            assert!(refused.starts_with(expected), "{refused}");
        }
        let refused = metadata(&["--grant-type", "password"]).expect_err("it is refused");
        assert!(refused.contains("authorization_code"), "{refused}");
    }
}

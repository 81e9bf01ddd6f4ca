//! `vestibule client`: the registered OAuth clients.

use std::io;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, text_at};
use crate::error::CommandError;
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
  vestibule client add 'Old wiki' --auth-method client_secret_post --redirect-uri https://wiki.example.org/callback
  vestibule client add 'Nightly job' --grant client_credentials --scope users:read")]
pub(crate) struct Add {
    /// Name that people see
    name: String,
    /// Where people return to after signing in, matched exactly; may be given several times
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Where people may return to after signing out; may be given several times
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// The application cannot keep a secret: it runs on a phone, a desktop or in a browser
    #[arg(long)]
    public: bool,
    /// How it proves who it is at the token endpoint: the one way that is taken from it
    #[arg(
        long,
        value_name = "METHOD",
        conflicts_with = "public",
        default_value = "client_secret_basic"
    )]
    auth_method: AuthMethod,
    /// Grants that it may use [default: authorization_code and refresh_token]
    #[arg(long, value_name = "GRANT")]
    grant: Vec<Grant>,
    /// Scopes that it may ask for [default: those of the service]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Ways in which a client with a secret authenticates (RFC 7591 §2), by their names in registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum AuthMethod {
    /// The secret in the header Authorization
    ClientSecretBasic,
    /// The secret in the form
    ClientSecretPost,
}

/// OAuth 2 grants, by their names in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Grant {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
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
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let body = Value::Object(self.body());
        let made = api
            .call_with(RemoteService::Auth, Method::POST, "/admin/v1/clients", &body)
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

    /// The client metadata, with the names of RFC 7591 §2.
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("client_name".to_owned(), self.name.as_str().into());
        let method = match self.auth_method {
            _ if self.public => "none",
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
        };
        body.insert("token_endpoint_auth_method".to_owned(), method.into());
        let grants: Vec<String> = self
            .grant
            .iter()
            .filter_map(|grant| Some(clap::ValueEnum::to_possible_value(grant)?.get_name().to_owned()))
            .collect();
        let lists = [
            ("redirect_uris", json!(self.redirect_uri)),
            ("post_logout_redirect_uris", json!(self.post_logout_redirect_uri)),
            ("grant_types", json!(grants)),
        ];
        for (name, list) in lists {
            if list != json!([]) {
                body.insert(name.to_owned(), list);
            }
        }
        if !self.scope.is_empty() {
            body.insert("scope".to_owned(), self.scope.join(" ").into());
        }
        body
    }
}

impl List {
    async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let clients = clients(&api).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&json!(clients));
        }
        let mut table = Table::new(&["NAME", "KIND", "GRANTS", "CLIENT ID"]);
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
        let path = format!("/admin/v1/clients?after={}", percent_encode(&after));
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
            ("name", text_at(&client, "/client_name")),
            ("kind", client_kind(&client).to_owned()),
            ("redirect_uris", text_at(&client, "/redirect_uris")),
            (
                "post_logout_redirect_uris",
                text_at(&client, "/post_logout_redirect_uris"),
            ),
            ("grants", text_at(&client, "/grant_types")),
            ("scopes", text_at(&client, "/scope")),
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
    format!("/admin/v1/clients/{}", percent_encode(id))
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

    #[test]
    fn a_client_is_registered_for_the_one_method_that_was_named() {
        for (arguments, method) in [
            (&["x", "Shop"][..], "client_secret_basic"),
            (&["x", "Shop", "--public"], "none"),
            (
                &["x", "Shop", "--auth-method", "client_secret_post"],
                "client_secret_post",
            ),
        ] {
            let line = Line::try_parse_from(arguments).expect("arguments");
            assert_eq!(line.add.body()["token_endpoint_auth_method"], method);
        }
        let both = ["x", "Shop", "--public", "--auth-method", "client_secret_post"];
        assert!(
            Line::try_parse_from(both).is_err(),
            "a public client has no secret"
        );
    }
}

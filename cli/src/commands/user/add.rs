//! `vestibule user add`: creates a user.

use std::io::{self, BufRead, IsTerminal};

use contract::paths;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::output::{self, Format};

/// The group whose members administer Vestibule.
const ADMINISTRATORS: &str = "vestibule-admins";

/// Make an account for a person
///
/// Without --password-stdin it prints a link, good once, with which the person chooses a password.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user add ann --email ann@example.org --given-name Ann --family-name Smith
  printf %s \"$PASSWORD\" | vestibule user add ann --email ann@example.org --password-stdin --admin")]
pub(crate) struct Add {
    /// User name, with which the person signs in
    #[arg(value_name = "NAME")]
    user_name: String,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Make the person an administrator
    #[arg(long)]
    admin: bool,
    /// Given name
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// Family name
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let password = self.password_stdin.then(read_password).transpose()?;
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let body = self.body(password.as_ref());
        let made = api
            .call_with(RemoteService::Auth, Method::POST, paths::auth::USERS, &body)
            .await?;
        match self.connection.output {
            Format::Json => output::print_json(&made),
            Format::Table => output::print_line(self.summary(&made)),
        }
    }

    fn body(&self, password: Option<&SecretString>) -> Value {
        let mut body = Map::new();
        body.insert("user_name".to_owned(), self.user_name.as_str().into());
        body.insert("email".to_owned(), self.email.as_str().into());
        let parts = [
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
        ];
        let mut whole = Vec::new();
        for (key, part) in parts {
            if let Some(part) = part {
                body.insert(key.to_owned(), part.as_str().into());
                whole.push(part.as_str());
            }
        }
        if !whole.is_empty() {
            body.insert("name".to_owned(), whole.join(" ").into());
        }
        if let Some(password) = password {
            body.insert("password".to_owned(), password.expose_secret().into());
        }
        if self.admin {
            body.insert("groups".to_owned(), json!([ADMINISTRATORS]));
        }
        body.into()
    }

    fn summary(&self, made: &Value) -> String {
        let name = crate::logs::printable(&self.user_name);
        let mut lines = vec![match made.pointer("/state").and_then(Value::as_str) {
            Some("pending") => format!(
                "{name} ({}) is being set up: the user service is away, and the account is there when it is back",
                text_at(made, "/id")
            ),
            _ => format!("{name} is there, with id {}", text_at(made, "/id")),
        }];
        let link = text_at(made, "/setup_url");
        if !link.is_empty() {
            lines.push(format!(
                "Hand over this link, good once, to choose a password:\n  {link}"
            ));
        }
        lines.join("\n")
    }
}

fn read_password() -> Result<SecretString, CommandError> {
    if io::stdin().is_terminal() {
        output::print_remark("Type the password and Enter (it shows on the screen; a pipe hides it):");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| {
        CommandError::new(
            ErrorCode::Usage,
            format!("cannot read the password from standard input: {error}"),
        )
    })?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(CommandError::new(
            ErrorCode::Usage,
            "--password-stdin: the first line of standard input is empty",
        ));
    }
    Ok(SecretString::from(password.to_owned()))
}

//! `vestibule provisioning add`: begins to push users and groups to an application.

use std::io::{self, BufRead};
use std::path::PathBuf;

use contract::paths::provisioning::TARGETS;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{TargetArgs, call_with};
use crate::api::{ApiClient, ConnectionArgs, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

/// Push users and groups to the SCIM endpoint of an application; prints the id of the target
///
/// The secret, a bearer token or with --oauth-client-id the secret of the client, is the first line of standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule provisioning add wiki https://wiki.example.org/scim/v2 < token
  vestibule provisioning add crm https://crm.example.org/scim --group 0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c --push-groups all < token
  vestibule provisioning add chat https://chat.example.org/scim --oauth-client-id vestibule --token-url https://chat.example.org/token < secret")]
pub(crate) struct Add {
    /// Name of the target, for people
    name: String,
    /// Base URL of the SCIM endpoint, to which /Users is added; https, on the public internet unless the configuration allows more
    base_url: String,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    client: ClientArgs,
    /// Push nothing yet
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The client that gets tokens for a target
#[derive(Debug, clap::Args)]
pub(super) struct ClientArgs {
    /// Client that gets tokens by the client credentials grant, instead of a bearer token
    #[arg(long, value_name = "ID", requires = "token_url")]
    oauth_client_id: Option<String>,
    /// Token endpoint of the client
    #[arg(long, value_name = "URL", requires = "oauth_client_id")]
    token_url: Option<String>,
    /// Scopes of the client's tokens, with a space between them
    #[arg(long, value_name = "SCOPES", requires = "oauth_client_id")]
    scope: Option<String>,
}

/// The people and groups that are pushed
#[derive(Debug, clap::Args)]
pub(super) struct RulesArgs {
    /// Group whose members are pushed, by its id; may be given several times. Without it, everybody is
    #[arg(long = "group", value_name = "ID", conflicts_with = "rules")]
    groups: Vec<String>,
    /// Group that is pushed, by its id, or `all`; may be given several times. Without it, none is
    #[arg(long = "push-groups", value_name = "ID", conflicts_with = "rules")]
    push_groups: Vec<String>,
    /// Rule for an account or group at the application that was not pushed from here and has the name of one that is to be: it is
    /// left alone and the push fails, or it is taken over. Without it, it is left alone
    #[arg(long, value_enum, value_name = "RULE", conflicts_with = "rules")]
    adopt: Option<Adopt>,
    /// File with all rules in JSON: people, groups, adopt, mapping, and what becomes of those who leave
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// Rule for an account with the name of one that is to be pushed
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Adopt {
    Never,
    ByUserName,
}

impl Adopt {
    fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::ByUserName => "by_user_name",
        }
    }
}

impl RulesArgs {
    /// The rules of a target with what the arguments change of them; nothing when they change nothing.
    pub(super) async fn changed(
        &self,
        target: &TargetArgs,
        api: &ApiClient,
    ) -> Result<Option<Value>, CommandError> {
        let is_partial = !self.groups.is_empty() || !self.push_groups.is_empty() || self.adopt.is_some();
        if self.rules.is_some() || !is_partial {
            return self.rules(Map::new());
        }
        let mut shown = target.read(api).await?;
        match shown.get_mut("rules").map(Value::take) {
            Some(Value::Object(rules)) => self.rules(rules),
            _ => self.rules(Map::new()),
        }
    }

    /// The rules that the arguments ask for, on top of others; nothing when they ask for none.
    pub(super) fn rules(&self, mut rules: Map<String, Value>) -> Result<Option<Value>, CommandError> {
        if let Some(file) = &self.rules {
            let wrong = |reason: String| {
                let message = format!("--rules: {}: {reason}", file.display());
                CommandError::new(ErrorCode::Usage, message)
            };
            let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
            let rules: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            return Ok(Some(rules));
        }
        if let Some(adopt) = self.adopt {
            rules.insert("adopt".to_owned(), adopt.name().into());
        }
        if !self.groups.is_empty() {
            let people = json!({ "filter": "members", "groups": self.groups });
            rules.insert("people".to_owned(), people);
        }
        if self.push_groups.iter().any(|group| group == "all") {
            rules.insert("groups".to_owned(), json!({ "push": "all" }));
        } else if !self.push_groups.is_empty() {
            let listed = json!({ "push": "listed", "groups": self.push_groups });
            rules.insert("groups".to_owned(), listed);
        }
        Ok((!rules.is_empty()).then_some(Value::Object(rules)))
    }
}

impl ClientArgs {
    /// The credentials, with a secret from standard input.
    pub(super) fn credentials(&self) -> Result<Value, CommandError> {
        let secret = read_secret()?;
        Ok(match (&self.oauth_client_id, &self.token_url) {
            (Some(client_id), Some(token_url)) => {
                let mut credentials = json!({
                    "type": "client_credentials",
                    "client_id": client_id,
                    "token_url": token_url,
                    "client_secret": secret,
                });
                if let (Some(scope), Some(members)) = (&self.scope, credentials.as_object_mut()) {
                    members.insert("scope".to_owned(), scope.as_str().into());
                }
                credentials
            }
            _ => json!({ "type": "bearer", "token": secret }),
        })
    }
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let mut body = json!({
            "name": self.name,
            "base_url": self.base_url,
            "enabled": !self.paused,
        });
        let rules = self.rules.rules(Map::new())?;
        if let Some(members) = body.as_object_mut() {
            members.insert("credentials".to_owned(), self.client.credentials()?);
            members.extend(rules.map(|rules| ("rules".to_owned(), rules)));
        }
        let created = call_with(&api, Method::POST, TARGETS, &body).await?;
        if self.connection.output == Format::Json {
            return output::print_json(&created);
        }
        let pairs = [
            ("id", text_at(&created, "/id")),
            ("name", text_at(&created, "/name")),
        ];
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Reads a secret from the first line of standard input, where other users of the machine cannot see it.
fn read_secret() -> Result<String, CommandError> {
    let mut line = String::new();
    let wrong = |reason: &str| CommandError::new(ErrorCode::Usage, format!("standard input: {reason}"));
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| wrong(&error.to_string()))?;
    match line.trim() {
        "" => Err(wrong("expected the secret of the target in the first line")),
        secret => Ok(secret.to_owned()),
    }
}

//! `vestibule keys`: the keys that sign tokens (JWKS, RFC 7517).

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, Table};

/// Signing keys: list, rotate
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Keys {
    List(List),
    Rotate(Rotate),
}

/// List the signing keys and what each is used for now
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule keys list")]
pub(crate) struct List {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Change to new signing keys
///
/// New keys are published first and sign once every cached copy of the key set has expired; the old ones stay published
/// for as long as a token that they signed can live. So no request fails. Where the next keys are published already, no
/// others are made, and the command says so.
///
/// With --drop-now, when a private key is known to have leaked: every key is forgotten, and new ones sign at once. All
/// access tokens are void then; applications get 401 and refresh theirs. Other services refuse them when they have read
/// the key set again: the user service within seconds, others within five minutes. An ID token from before is no hint for
/// signing out any more: the person is asked. Sessions and refresh tokens go on. Replicas sign with the old keys for two
/// more seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule keys rotate
  vestibule keys rotate --immediately
  vestibule keys rotate --drop-now")]
pub(crate) struct Rotate {
    /// Sign with the new keys within seconds, because a key may have leaked
    #[arg(long)]
    immediately: bool,
    /// Forget every key at once, because one has leaked: void is what they signed
    #[arg(long, conflicts_with = "immediately")]
    drop_now: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Keys {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let connection = match &self {
            Self::List(list) => &list.connection,
            Self::Rotate(rotate) => &rotate.connection,
        };
        let api = ApiClient::new(connection, &["admin"])?;
        let answer = match &self {
            Self::List(_) => {
                api.call(RemoteService::Auth, Method::GET, paths::auth::KEYS)
                    .await?
            }
            Self::Rotate(rotate) => {
                let how = match rotate.drop_now {
                    true => json!({ "drop_now": true }),
                    false => json!({ "immediately": rotate.immediately }),
                };
                api.call_with(RemoteService::Auth, Method::POST, paths::auth::ROTATE_KEYS, &how)
                    .await?
            }
        };
        match connection.output {
            Format::Json => output::print_json(&answer),
            Format::Table => {
                output::print_line(table(&answer))?;
                if let Self::Rotate(rotate) = &self {
                    output::print_remark(rotation_summary(rotate, &answer));
                }
                Ok(())
            }
        }
    }
}

/// The result of a rotation in one sentence.
fn rotation_summary(rotate: &Rotate, answer: &Value) -> String {
    let made = answer.get("made").and_then(Value::as_array).map_or(0, Vec::len);
    let from = text_at(answer, "/signs_from");
    match made {
        _ if rotate.drop_now => {
            "Every earlier key is forgotten. What they signed is void: applications refresh their access tokens, and \
             sign-out with an older ID token asks the person. Sessions and refresh tokens go on."
                .to_owned()
        }
        0 => format!("No new key was made: the next ones were published already. They sign from {from}."),
        made => format!("{made} new keys were made. They sign from {from}."),
    }
}

fn table(answer: &Value) -> String {
    let mut table = Table::new(&[
        "KEY",
        "ALGORITHM",
        "STATE",
        "SIGNS FROM",
        "SIGNED UNTIL",
        "GONE AT",
    ]);
    let keys = answer.get("keys").and_then(Value::as_array);
    for key in keys.into_iter().flatten() {
        table.row([
            text_at(key, "/kid"),
            text_at(key, "/algorithm"),
            text_at(key, "/state"),
            text_at(key, "/activates_at"),
            text_at(key, "/retired_at"),
            text_at(key, "/removes_at"),
        ]);
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

//! `vestibule keys`: the keys that sign tokens.

use std::io;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, Side, Target, text};
use crate::failure::Failure;
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
    target: Target,
}

/// Change to new signing keys
///
/// New keys are published first and sign once every cached copy of the key set has expired; the old ones stay published
/// for as long as a token that they signed can live. So no request fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule keys rotate
  vestibule keys rotate --immediately")]
pub(crate) struct Rotate {
    /// Sign with the new keys within seconds, because a key may have leaked
    #[arg(long)]
    immediately: bool,
    #[command(flatten)]
    target: Target,
}

impl Keys {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let target = match &self {
            Self::List(list) => &list.target,
            Self::Rotate(rotate) => &rotate.target,
        };
        let api = Api::new(target, &["admin"])?;
        let answer = match &self {
            Self::List(_) => api.call(Side::Auth, Method::GET, "/admin/v1/keys").await?,
            Self::Rotate(rotate) => {
                let how = json!({ "immediately": rotate.immediately });
                api.call_with(Side::Auth, Method::POST, "/admin/v1/keys/rotate", &how)
                    .await?
            }
        };
        match target.output {
            Format::Json => output::json(&answer),
            Format::Table => output::line(table(&answer)),
        }
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
            text(key, "/kid"),
            text(key, "/algorithm"),
            text(key, "/state"),
            text(key, "/activates_at"),
            text(key, "/retired_at"),
            text(key, "/removes_at"),
        ]);
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

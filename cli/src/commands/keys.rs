//! `vestibule keys`: the keys that sign tokens.

use std::io;

use reqwest::Method;
use serde_json::Value;

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
/// The old keys stay published for as long as a token that they signed can live, so no request fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule keys rotate")]
pub(crate) struct Rotate {
    #[command(flatten)]
    target: Target,
}

impl Keys {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (target, method, path) = match self {
            Self::List(list) => (list.target, Method::GET, "/admin/v1/keys"),
            Self::Rotate(rotate) => (rotate.target, Method::POST, "/admin/v1/keys/rotate"),
        };
        let api = Api::new(&target, &["admin"])?;
        let answer = api.call(Side::Auth, method, path).await?;
        match target.output {
            Format::Json => output::json(&answer),
            Format::Table => output::line(table(&answer)),
        }
    }
}

fn table(answer: &Value) -> String {
    let keys = answer.get("keys").unwrap_or(answer).as_array();
    let mut table = Table::new(&[
        "KEY",
        "ALGORITHM",
        "STATE",
        "MADE",
        "SIGNS FROM",
        "PUBLISHED UNTIL",
    ]);
    for key in keys.into_iter().flatten() {
        table.row([
            text(key, "/kid"),
            text(key, "/alg"),
            text(key, "/state"),
            text(key, "/created_at"),
            text(key, "/signs_from"),
            text(key, "/published_until"),
        ]);
    }
    table.render(Style::choose(Color::Auto, &io::stdout()))
}

//! Filling of a database with a generated directory: rows as the service makes them, in the order of the indexes.
//!
//! Ten million people are beyond what requests add in an hour. So rows are written in bulk, sorted, and indexes are made last. The
//! rows of some people are compared with those that the service's own functions make.

pub(super) mod accounts;
mod postgres;
mod sqlite;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use chassis::db::{Db, DbConfig};
use testkit::Engine;

use super::people::{self, mixed, person};

/// People in one statement.
const BATCH: u64 = 1_000;

/// A row of `user_values`: the attribute, the key and the number of the person.
type Row = (&'static str, Box<str>, u64);

/// The attributes, in the order of the index.
const ATTRIBUTES: [&str; 8] = [
    "emails.value",
    "externalId",
    "meta.lastModified",
    "name.familyName",
    "name.formatted",
    "name.givenName",
    "userName",
    "word",
];

/// Fills an empty database, whose tables are made, with `count` people.
pub(super) async fn fill(url: &str, engine: Engine, count: u64) -> Result<()> {
    check_rows()?;
    let db = DbConfig::new(url).open().await?;
    db.migrate("the directory of the bench", &users::SCHEMA).await?;
    match (engine, &db) {
        (Engine::Postgres, Db::Postgres(server)) => postgres::fill(server.pool(), count).await?,
        _ => {
            db.close().await;
            return sqlite::fill(url, count).await;
        }
    }
    db.close().await;
    Ok(())
}

/// Compares the rows that are written here with those that the service writes.
fn check_rows() -> Result<()> {
    for sample in 0..1_000 {
        let number = mixed(sample) % 10_000_000;
        let state = person(number)?;
        let own: BTreeSet<(String, String)> = ATTRIBUTES
            .into_iter()
            .flat_map(|attribute| rows(attribute, number))
            .map(|(attribute, key, _)| (attribute.to_owned(), key.into_string()))
            .collect();
        let of_service = users::indexed_rows(&state);
        ensure!(
            own == of_service,
            "the rows of {state:?}: {own:?}, not {of_service:?}"
        );
    }
    Ok(())
}

/// The rows of an attribute of a person.
fn rows(attribute: &'static str, number: u64) -> Vec<Row> {
    let names = people::names(number);
    let lower = |text: &str| text.to_lowercase();
    let keys = match attribute {
        "emails.value" => vec![names.address],
        "externalId" => vec![names.external_id],
        "meta.lastModified" => vec![people::modified_key(number)],
        "name.familyName" => vec![lower(&names.family)],
        "name.formatted" => vec![lower(&format!("{} {}", names.given, names.family))],
        "name.givenName" => vec![lower(names.given)],
        "userName" => vec![names.user_name],
        _ => person(number)
            .map(|state| users::word_keys(&state))
            .unwrap_or_default(),
    };
    keys.into_iter()
        .map(|key| (attribute, key.into_boxed_str(), number))
        .collect()
}

/// All rows of an attribute, in the order of the index.
fn sorted_rows(attribute: &'static str, count: u64) -> Vec<(Box<str>, u64)> {
    let mut all: Vec<(Box<str>, u64)> = (0..count)
        .flat_map(|number| rows(attribute, number))
        .map(|(_, key, number)| (key, number))
        .collect();
    all.sort_unstable();
    all
}

/// The columns of `people`.
struct PersonRow {
    id: String,
    user_name_key: String,
    skeleton: String,
    active: bool,
    at: i64,
    document: String,
}

fn person_row(number: u64) -> Result<PersonRow> {
    let state = person(number)?;
    Ok(PersonRow {
        id: state.id.simple().to_string(),
        user_name_key: state.user_name.key().to_owned(),
        skeleton: state.user_name.skeleton(),
        active: state.active,
        at: state.updated_at.as_micros(),
        document: serde_json::to_string(&state).context("a document")?,
    })
}

/// The progress on the terminal.
#[expect(
    clippy::print_stderr,
    reason = "a program for the terminal that takes minutes"
)]
fn progress(what: &str) {
    eprintln!("  {what}");
}

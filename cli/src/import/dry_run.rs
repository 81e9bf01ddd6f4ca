//! The dry run of an import: every row is checked as the services would, as far as that can be done here, and compared with the
//! users who exist. Nothing is changed.

use contract::paths;
use contract::{EmailAddress, UserName};
use futures_util::stream::{self, StreamExt};
use password_hashes::ImportedHash;
use reqwest::Method;
use scim::schema::Registry;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::create::{Creator, OF_AN_IMPORT, Outcome, with_schemas};
use super::outputs::Outputs;
use super::report::{Report, RowRef};
use super::run::{ImportOptions, file_error, read_batch};
use super::summary::Summary;
use super::{GroupRecord, Item, Record, Rejection, Rows};
use crate::api::{ApiError, RemoteService, text_at};
use crate::error::CommandError;

/// The memory that a check of a hash may need at most, on any installation.
const HASH_MEMORY_BYTES: u64 = 256 << 20;

/// Checks the rows of a file.
///
/// # Errors
/// When a file cannot be read or written, or `users` does not answer.
pub(super) async fn check(
    creator: &Creator<'_>,
    rows: &mut Rows,
    options: &ImportOptions,
) -> Result<Summary, CommandError> {
    let configured = configured_extensions(creator).await?;
    let report = Report::create(&options.report).map_err(|error| file_error(&options.report, &error))?;
    let mut outputs = Outputs::begin(report, rows, options);
    loop {
        let batch = read_batch(rows)?;
        if batch.is_empty() {
            outputs.progress.end();
            return Ok(outputs.summary);
        }
        let mut outcomes = stream::iter(batch)
            .map(async |row| {
                let outcome = match &row.item {
                    Ok(Item::User(record)) => expected_outcome(creator, record, &configured).await,
                    Ok(Item::Group(group)) => expected_group(creator, group).await,
                    Err(rejection) => Ok(Outcome::Rejected(rejection.clone())),
                };
                (row, outcome)
            })
            .buffered(options.concurrency);
        while let Some((row, outcome)) = outcomes.next().await {
            let outcome = outcome?;
            outputs.summary.rows += 1;
            match (&row.item, &outcome) {
                (Ok(Item::Group(_)), Outcome::Created(_)) => outputs.summary.groups_created += 1,
                (Ok(Item::Group(_)), Outcome::Exists(_)) => outputs.summary.groups_existing += 1,
                _ => outputs.summary.count(&outcome),
            }
            if let Outcome::Rejected(rejection) = &outcome {
                outputs.reject(RowRef::from(&row), rejection, None)?;
            } else if let Ok(Item::User(record)) = &row.item
                && !matches!(outcome, Outcome::Skipped)
            {
                match check_hash(record) {
                    Ok(has_hash) => outputs.summary.hashes += u64::from(has_hash),
                    Err(rejection) => outputs.reject(RowRef::from(&row), &rejection, None)?,
                }
            }
            outputs.show();
        }
    }
}

/// The URNs of the extensions that the server has beyond the standard ones. Their attributes cannot be checked here.
async fn configured_extensions(creator: &Creator<'_>) -> Result<Vec<String>, ApiError> {
    let list = creator
        .retry(|| {
            creator
                .api
                .call(RemoteService::Users, Method::GET, paths::users::SCIM_SCHEMAS)
        })
        .await?;
    let schemas = list.get("Resources").and_then(Value::as_array);
    let users = Registry::standard().users();
    Ok(schemas
        .into_iter()
        .flatten()
        .map(|schema| text_at(schema, "/id"))
        .filter(|urn| users.extension(urn).is_none() && *urn != users.schema.id)
        .collect())
}

async fn expected_outcome(
    creator: &Creator<'_>,
    record: &Record,
    configured: &[String],
) -> Result<Outcome, ApiError> {
    let name = record.user_name();
    if let Err(rejection) = check_user(&record.user, configured) {
        return Ok(Outcome::Rejected(rejection.of(name)));
    }
    Ok(match creator.find(name).await? {
        Some(existing) => creator.compare(record, &existing),
        None => match name.parse::<UserName>().and_then(|name| name.check_new()) {
            Ok(()) => Outcome::Created(String::new()),
            Err(error) => Outcome::Rejected(Rejection::new("userName", error.to_string()).of(name)),
        },
    })
}

async fn expected_group(creator: &Creator<'_>, group: &GroupRecord) -> Result<Outcome, ApiError> {
    let name = group.name();
    if name.chars().any(char::is_control) {
        let rejection = Rejection::new("displayName", "control characters are not allowed");
        return Ok(Outcome::Rejected(rejection.of_group(name)));
    }
    Ok(match creator.find_group(name).await? {
        Some(existing) => Outcome::Exists(text_at(&existing, "/id")),
        None => Outcome::Created(String::new()),
    })
}

/// Checks the attributes of a user against the registry.
pub(super) fn check_user(user: &Map<String, Value>, configured: &[String]) -> Result<(), Rejection> {
    let mut user = user.clone();
    user.retain(|name, _| {
        let is_checked_there = OF_AN_IMPORT.contains(&name.as_str());
        !is_checked_there && !configured.iter().any(|urn| urn.eq_ignore_ascii_case(name))
    });
    let body = Value::Object(with_schemas(user));
    let user = scim::User::from_json(&body, Registry::standard().users())
        .map_err(|error| Rejection::from_detail(&error.to_string()))?;
    user.user_name
        .parse::<UserName>()
        .map_err(|error| Rejection::new("userName", error.to_string()))?;
    for (index, email) in user.emails.iter().enumerate() {
        email
            .value
            .parse::<EmailAddress>()
            .map_err(|error| Rejection::new(format!("emails[{index}].value"), error.to_string()))?;
    }
    Ok(())
}

/// Checks the password hash; true if there is one.
pub(super) fn check_hash(record: &Record) -> Result<bool, Rejection> {
    let Some(hash) = &record.password_hash else {
        return Ok(false);
    };
    ImportedHash::import(hash.expose_secret(), HASH_MEMORY_BYTES)
        .map(|_| true)
        .map_err(|error| Rejection::new("password_hash", error.to_string()).of(record.user_name()))
}

//! Creation of the users of a batch: `POST /scim/v2/Users`, and the decision about a user who exists already.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use contract::paths;
use reqwest::header::IF_MATCH;
use reqwest::{Method, StatusCode};
use scim::schema::CORE_USER;
use serde_json::{Map, Value};

use super::{Record, Rejection};
use crate::api::{self, ApiClient, ApiError, RemoteService, percent_encode, text_at};

/// The member of a row that has the `externalId` of each provisioning client, by its `client_id`.
pub(super) const EXTERNAL_IDS: &str = "external_ids";
/// The members of a row that an import takes, and SCIM does not.
pub(super) const OF_AN_IMPORT: [&str; 3] = ["id", "meta", EXTERNAL_IDS];

/// The action for a row whose user name belongs to another user
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ConflictPolicy {
    /// Leave the user as it is, and go on
    Skip,
    /// Replace the attributes of the user by those of the row
    Update,
    /// Refuse the row
    #[default]
    Fail,
}

/// The outcome of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The user was created.
    Created(String),
    /// The same user exists already.
    Exists(String),
    /// Another user with this name was replaced.
    Updated(String),
    /// Another user has this name, and stays.
    Skipped,
    /// The row was refused.
    Rejected(Rejection),
}

impl Outcome {
    /// The id of the user that the row belongs to.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Created(id) | Self::Exists(id) | Self::Updated(id) => Some(id),
            Self::Skipped | Self::Rejected(_) => None,
        }
    }
}

/// Creates users.
pub(super) struct Creator<'a> {
    pub(super) api: &'a ApiClient,
    /// Set when `users` has no import of many.
    pub(super) one_by_one: AtomicBool,
    pub(super) on_conflict: ConflictPolicy,
    /// The time for which a request is repeated while a service is away.
    pub(super) patience: Duration,
}

impl Creator<'_> {
    /// Creates the user of a record.
    ///
    /// # Errors
    /// When nothing can be imported: no service answers, or the credential is refused.
    pub(super) async fn create(&self, record: &Record) -> Result<Outcome, ApiError> {
        let name = record.user_name();
        let body = scim_body(record);
        let created = self
            .retry(|| {
                self.api.call_with(
                    RemoteService::Users,
                    Method::POST,
                    paths::users::SCIM_USERS,
                    &body,
                )
            })
            .await;
        match created {
            Ok(user) => Ok(Outcome::Created(text_at(&user, "/id"))),
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
                self.resolve_conflict(record, &error.detail()).await
            }
            Err(error) => rejection(&error, name).map(Outcome::Rejected).ok_or(error),
        }
    }

    /// Finds the user who has the name already.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Value>, ApiError> {
        self.find_by(paths::users::SCIM_USERS, "userName", name).await
    }

    /// Finds the group that has the name already.
    pub(super) async fn find_group(&self, name: &str) -> Result<Option<Value>, ApiError> {
        self.find_by(paths::users::SCIM_GROUPS, "displayName", name).await
    }

    async fn find_by(&self, resources: &str, attribute: &str, name: &str) -> Result<Option<Value>, ApiError> {
        // RFC 7644 §3.4.2.2: the value of a filter is a JSON string.
        let filter = format!("{attribute} eq {}", Value::from(name));
        let path = format!("{resources}?filter={}", percent_encode(&filter));
        let mut found = self
            .retry(|| self.api.call(RemoteService::Users, Method::GET, &path))
            .await?;
        Ok(found.pointer_mut("/Resources/0").map(Value::take))
    }

    /// The outcome for a row whose user name belongs to `existing`, before anything is changed.
    pub(super) fn compare(&self, record: &Record, existing: &Value) -> Outcome {
        let id = text_at(existing, "/id");
        if is_same(&record.user, existing) {
            return Outcome::Exists(id);
        }
        match self.on_conflict {
            ConflictPolicy::Skip => Outcome::Skipped,
            ConflictPolicy::Update => Outcome::Updated(id),
            ConflictPolicy::Fail => Outcome::Rejected(
                Rejection::new("userName", format!("belongs to another user, with the id {id}"))
                    .of(record.user_name()),
            ),
        }
    }

    /// The outcome for a row that `users` refuses with this detail because a value belongs to somebody else.
    pub(super) async fn resolve_conflict(&self, record: &Record, detail: &str) -> Result<Outcome, ApiError> {
        let name = record.user_name();
        let Some(existing) = self.find(name).await? else {
            // Another value that may occur once, or a name that is not free for another reason.
            return Ok(Outcome::Rejected(Rejection::from_detail(detail).of(name)));
        };
        let outcome = self.compare(record, &existing);
        if let Outcome::Updated(id) = &outcome {
            let path = paths::fill(paths::users::SCIM_USER, &[id]);
            let version = text_at(&existing, "/meta/version");
            let body = scim_body(record);
            let replaced = self
                .retry(async || {
                    let request = self.api.request(RemoteService::Users, Method::PUT, &path)?;
                    let request = request.header(IF_MATCH, &version).json(&body);
                    self.api.send(RemoteService::Users, request).await
                })
                .await;
            if let Err(error) = replaced {
                return rejection(&error, name).map(Outcome::Rejected).ok_or(error);
            }
        }
        Ok(outcome)
    }

    /// Repeats a request while the service is away or overloaded, and waits as long as it says.
    pub(super) async fn retry<F>(&self, request: impl Fn() -> F) -> Result<Value, ApiError>
    where
        F: Future<Output = Result<Value, ApiError>>,
    {
        api::retry(self.patience, request).await
    }
}

/// The refusal of one row; `None` for an error that every other row would meet as well.
fn rejection(error: &ApiError, name: &str) -> Option<Rejection> {
    match error.status()? {
        StatusCode::BAD_REQUEST
        | StatusCode::CONFLICT
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Some(Rejection::from_detail(&error.detail()).of(name)),
        _ => None,
    }
}

/// The body of a SCIM request: without what the server sets.
fn scim_body(record: &Record) -> Value {
    let mut user = with_schemas(record.user.clone());
    user.retain(|name, _| !OF_AN_IMPORT.contains(&name.as_str()));
    Value::Object(user)
}

/// Adds `schemas` (RFC 7643 §3): the core schema, and the extensions whose attributes the user has.
pub(super) fn with_schemas(mut user: Map<String, Value>) -> Map<String, Value> {
    user.retain(|name, _| !name.eq_ignore_ascii_case("schemas"));
    let is_urn = |name: &&String| {
        name.get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
    };
    let urns = user.keys().filter(is_urn).map(String::as_str);
    let schemas: Vec<Value> = std::iter::once(CORE_USER).chain(urns).map(Value::from).collect();
    user.insert("schemas".to_owned(), schemas.into());
    user
}

/// True if a user who has the name of a row is the user of the row: both have the same `externalId`, or the row has none, every
/// attribute that it has is the same, and the user has no other one of the core schema. A row with nothing but a name is not
/// anybody who has that name: its password hash would go to them.
fn is_same(row: &Map<String, Value>, existing: &Value) -> bool {
    if let Some(id) = row.get("externalId").and_then(Value::as_str) {
        return existing.get("externalId").and_then(Value::as_str) == Some(id);
    }
    let mut attributes = row
        .iter()
        .filter(|(name, _)| *name != "schemas" && !OF_AN_IMPORT.contains(&name.as_str()));
    let mut others = existing
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !row.contains_key(*name) && !name.starts_with("urn:"));
    attributes.all(|(name, value)| covers(existing.get(name), value))
        && others.all(|(name, value)| match name.as_str() {
            "schemas" | "id" | "meta" | "groups" => true,
            "active" => *value == Value::Bool(true),
            _ => false,
        })
}

/// True if `stored` has everything that `wanted` has. The server may write text in another case (the domain of an address), and
/// leaves out what is empty or false.
fn covers(stored: Option<&Value>, wanted: &Value) -> bool {
    match (stored, wanted) {
        (None, Value::Null | Value::Bool(false)) => true,
        (None, Value::String(text)) => text.is_empty(),
        (None, Value::Array(items)) => items.is_empty(),
        (Some(Value::Object(stored)), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| covers(stored.get(name), value))
        }
        (Some(Value::Array(stored)), Value::Array(wanted)) => {
            stored.len() == wanted.len()
                && stored
                    .iter()
                    .zip(wanted)
                    .all(|(stored, wanted)| covers(Some(stored), wanted))
        }
        (Some(Value::String(stored)), Value::String(wanted)) => {
            stored.trim().to_lowercase() == wanted.trim().to_lowercase()
        }
        (Some(stored), wanted) => stored == wanted,
        (None, _) => false,
    }
}

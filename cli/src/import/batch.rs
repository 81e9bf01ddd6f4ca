//! Creation of the users of a batch: `POST /admin/v1/import/users`, and one by one over SCIM where `users` does not have it.

use std::sync::atomic::Ordering;

use contract::paths;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::create::{Creator, Outcome, with_schemas};
use super::{Record, Rejection};
use crate::api::{ApiError, RemoteService, text_at};

/// The limits of one request: the users, and the bytes of the body, which has 256 KiB at most unless `users` is configured otherwise.
const MAX_USERS: usize = 1000;
pub(super) const MAX_BYTES: usize = 240 * 1024;
/// Conflicts that are looked into at once.
const CONFLICTS_AT_ONCE: usize = 8;

/// A user that is about to be created.
pub(super) struct Prepared<'a> {
    pub(super) record: &'a Record,
    /// The resource in JSON.
    json: String,
}

impl<'a> Prepared<'a> {
    /// The user of a record, with this id.
    pub(super) fn new(record: &'a Record, id: Option<Uuid>) -> Self {
        let mut user = with_schemas(record.user.clone());
        match id {
            Some(id) => user.insert("id".to_owned(), id.to_string().into()),
            None => user.remove("id"),
        };
        Self {
            record,
            json: Value::Object(user).to_string(),
        }
    }
}

/// Divides users into requests.
pub(super) fn requests<'a, 'b>(mut users: &'b [Prepared<'a>]) -> Vec<&'b [Prepared<'a>]> {
    let mut requests = Vec::new();
    while !users.is_empty() {
        let mut bytes = 0;
        let fitting = users.iter().take(MAX_USERS).take_while(|user| {
            bytes += user.json.len() + 1;
            bytes <= MAX_BYTES
        });
        let (request, rest) = users.split_at(fitting.count().clamp(1, users.len()));
        requests.push(request);
        users = rest;
    }
    requests
}

impl Creator<'_> {
    /// Creates users. The outcomes are in their order.
    ///
    /// # Errors
    /// When nothing can be imported: no service answers, or the credential is refused.
    pub(super) async fn create_all(&self, users: &[Prepared<'_>]) -> Result<Vec<Outcome>, ApiError> {
        if self.one_by_one.load(Ordering::Relaxed) {
            return self.create_one_by_one(users).await;
        }
        match self.send_users(users).await {
            Ok(response) => self.read_outcomes(users, &response).await,
            // A release that has no import.
            Err(error)
                if matches!(
                    error.status(),
                    Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
                ) =>
            {
                self.one_by_one.store(true, Ordering::Relaxed);
                self.create_one_by_one(users).await
            }
            // The limit of this server is lower, or one user spoils the body.
            Err(error) if is_of_the_body(&error) && users.len() > 1 => {
                let (one, other) = users.split_at(users.len() / 2);
                let mut outcomes = Box::pin(self.create_all(one)).await?;
                outcomes.append(&mut Box::pin(self.create_all(other)).await?);
                Ok(outcomes)
            }
            Err(error) if is_of_the_body(&error) => self.create_one_by_one(users).await,
            Err(error) => Err(error),
        }
    }

    async fn send_users(&self, users: &[Prepared<'_>]) -> Result<Value, ApiError> {
        let list: Vec<&str> = users.iter().map(|user| user.json.as_str()).collect();
        let body = format!("{{\"users\":[{}]}}", list.join(","));
        self.retry(async || {
            let path = paths::users::IMPORT_USERS;
            let request = self.api.request(RemoteService::Users, Method::POST, path)?;
            let request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
            self.api.send(RemoteService::Users, request).await
        })
        .await
    }

    async fn create_one_by_one(&self, users: &[Prepared<'_>]) -> Result<Vec<Outcome>, ApiError> {
        stream::iter(users)
            .map(|user| self.create(user.record))
            .buffered(CONFLICTS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn read_outcomes(
        &self,
        users: &[Prepared<'_>],
        response: &Value,
    ) -> Result<Vec<Outcome>, ApiError> {
        let results = response.get("results").and_then(Value::as_array);
        let results = results.filter(|results| results.len() == users.len());
        let results = results.ok_or_else(|| ApiError::InvalidResponse {
            service: "users",
            reason: "a result for each user is missing".to_owned(),
        })?;
        stream::iter(users.iter().zip(results))
            .map(async |(user, result)| {
                let (id, detail) = (text_at(result, "/id"), text_at(result, "/detail"));
                Ok(match text_at(result, "/status").as_str() {
                    "created" => Outcome::Created(id),
                    "existing" => Outcome::Exists(id),
                    "conflict" => self.resolve_conflict(user.record, &detail).await?,
                    _ => Outcome::Rejected(Rejection::from_detail(&detail).of(user.record.user_name())),
                })
            })
            .buffered(CONFLICTS_AT_ONCE)
            .try_collect()
            .await
    }
}

fn is_of_the_body(error: &ApiError) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::PAYLOAD_TOO_LARGE | StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
    )
}

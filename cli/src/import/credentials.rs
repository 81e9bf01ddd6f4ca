//! Import of the password hashes of a batch: `POST /admin/v1/users/credentials`.

use std::time::{Duration, Instant};

use contract::paths;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::Rejection;
use super::create::Creator;
use super::report::RowRef;
use crate::api::{ApiError, RemoteService, text_at};

/// The limits of one request: the rows, and the bytes of the body, which has 256 KiB at most unless `auth` is configured otherwise.
const MAX_ROWS: usize = 1000;
const MAX_BYTES: usize = 240 * 1024;
/// Bytes of a row besides its hash: the id, the names of the members, punctuation.
const ROW_BYTES: usize = 80;
/// The detail of a row whose account `auth` does not have, or not yet.
const NO_ACCOUNT: &str = "there is no such account";

/// The password hash of a user who exists in `users`.
#[derive(Debug)]
pub(super) struct PendingHash {
    pub(super) row: RowRef,
    pub(super) user_name: String,
    pub(super) id: String,
    pub(super) hash: SecretString,
}

/// The outcome of the hashes of a batch.
#[derive(Debug, Default)]
pub(super) struct HashOutcome {
    pub(super) imported: u64,
    /// Accounts that have a password, which stays.
    pub(super) unchanged: u64,
    pub(super) rejected: Vec<(RowRef, Rejection, String)>,
}

impl Creator<'_> {
    /// Imports the hashes. A row of a user whom `auth` has not heard of yet is sent again until `patience` ends.
    ///
    /// # Errors
    /// When nothing can be imported: no service answers, or the credential is refused.
    pub(super) async fn import_hashes(&self, mut pending: Vec<PendingHash>) -> Result<HashOutcome, ApiError> {
        let mut outcome = HashOutcome::default();
        let deadline = Instant::now() + self.patience;
        let mut backoff = Duration::from_millis(50);
        let mut most_rows = MAX_ROWS;
        let mut unknown = Vec::new();
        loop {
            while !pending.is_empty() {
                let rest = pending.split_off(request_rows(&pending, most_rows));
                match self.send_hashes(&pending).await {
                    Ok(response) => {
                        unknown.append(&mut sort_results(pending, &response, &mut outcome));
                        pending = rest;
                    }
                    // The limit of this server is lower.
                    Err(error)
                        if error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE) && pending.len() > 1 =>
                    {
                        most_rows = pending.len() / 2;
                        pending.extend(rest);
                    }
                    Err(error) => return Err(error),
                }
            }
            if unknown.is_empty() {
                return Ok(outcome);
            }
            if Instant::now() + backoff > deadline {
                let rejected = unknown.into_iter().map(|row| {
                    let rejection = Rejection::new(
                        "password_hash",
                        "auth has no such account: it does not receive the events of users",
                    );
                    (row.row, rejection.of(&row.user_name), row.id)
                });
                outcome.rejected.extend(rejected);
                return Ok(outcome);
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(Duration::from_secs(2));
            pending = std::mem::take(&mut unknown);
        }
    }

    async fn send_hashes(&self, rows: &[PendingHash]) -> Result<Value, ApiError> {
        let credentials: Vec<Value> = rows
            .iter()
            .map(|row| json!({"id": row.id, "password_hash": row.hash.expose_secret()}))
            .collect();
        let body = json!({ "credentials": credentials });
        self.retry(|| {
            self.api.call_with(
                RemoteService::Auth,
                Method::POST,
                paths::auth::CREDENTIAL_BATCH,
                &body,
            )
        })
        .await
    }
}

/// The number of rows, from the first on, that fit into one request; at least one.
fn request_rows(pending: &[PendingHash], most_rows: usize) -> usize {
    let mut bytes = 0;
    let fitting = pending.iter().take(most_rows.max(1)).take_while(|row| {
        // Quotes and backslashes of a credential of Keycloak are escaped.
        let hash = row.hash.expose_secret();
        bytes += ROW_BYTES + hash.len() + hash.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        bytes <= MAX_BYTES
    });
    fitting.count().max(1)
}

/// Counts the results of a request, and returns the rows that `auth` has no account for.
fn sort_results(rows: Vec<PendingHash>, response: &Value, outcome: &mut HashOutcome) -> Vec<PendingHash> {
    let mut unknown = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        let result = response
            .pointer(&format!("/results/{index}"))
            .unwrap_or(&Value::Null);
        let detail = text_at(result, "/detail");
        match text_at(result, "/status").as_str() {
            "imported" => outcome.imported += 1,
            "unchanged" => outcome.unchanged += 1,
            _ if detail == NO_ACCOUNT => unknown.push(row),
            _ => {
                let reason = if detail.is_empty() {
                    "was not imported"
                } else {
                    &detail
                };
                let rejection = Rejection::new("password_hash", reason).of(&row.user_name);
                outcome.rejected.push((row.row, rejection, row.id));
            }
        }
    }
    unknown
}

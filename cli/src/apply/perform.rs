//! The execution of a plan: one request a step, each for the version that was read.

use contract::paths;
use reqwest::header::{IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::step::{Action, Kind, Step};
use crate::api::{ApiClient, ApiError, RemoteService, percent_encode};
use crate::error::{CommandError, ErrorCode};

/// The outcome of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Planned,
    Done,
    Failed(String),
    NotDone,
}

/// Does one step.
///
/// # Errors
/// Those of the call. A change by somebody else since the state was read is a conflict.
pub(super) async fn perform(
    api: &ApiClient,
    managed_by: &str,
    step: &Step,
    secret: Option<SecretString>,
) -> Result<(), CommandError> {
    let path = match step.kind {
        Kind::Client => paths::fill(paths::auth::MANAGED_CLIENT, &[&step.id]),
        Kind::ProtectedHost => paths::fill(paths::auth::MANAGED_HOST, &[&step.id]),
    };
    let (method, path) = match step.action {
        Action::Remove => (
            Method::DELETE,
            format!("{path}?managed_by={}", percent_encode(managed_by)),
        ),
        Action::Release => (
            Method::DELETE,
            format!("{path}?managed_by={}&release=true", percent_encode(managed_by)),
        ),
        _ => (Method::PUT, path),
    };
    let mut request = api.request(RemoteService::Auth, method, &path)?;
    request = match step.version {
        Some(version) => request.header(IF_MATCH, format!("\"{version}\"")),
        None => request.header(IF_NONE_MATCH, "*"),
    };
    if !matches!(step.action, Action::Remove | Action::Release) {
        request = request.json(&body(managed_by, step, secret));
    }
    match api.send(RemoteService::Auth, request).await {
        Ok(_) => Ok(()),
        Err(error) if is_outdated(&error, step) => Err(CommandError::new(
            ErrorCode::Conflict,
            "somebody else changed it meanwhile: run the command again, to see how it is now",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The body of a step that makes or changes.
fn body(managed_by: &str, step: &Step, secret: Option<SecretString>) -> Value {
    let mut body = match step.kind {
        Kind::Client => json!({ "metadata": step.wanted }),
        Kind::ProtectedHost => step.wanted.clone(),
    };
    if let Value::Object(members) = &mut body {
        members.insert("managed_by".to_owned(), json!(managed_by));
        members.insert("expected_managed_by".to_owned(), json!(step.owner));
        if let Some(secret) = secret {
            members.insert("client_secret".to_owned(), json!(secret.expose_secret()));
        }
    }
    body
}

fn is_outdated(error: &ApiError, step: &Step) -> bool {
    match error.status() {
        Some(StatusCode::PRECONDITION_FAILED) => true,
        Some(StatusCode::NOT_FOUND) => matches!(step.action, Action::Remove | Action::Release),
        _ => false,
    }
}

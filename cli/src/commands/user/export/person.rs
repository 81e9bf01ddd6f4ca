//! The export of what both services hold about one person.

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::find::{find_by_name, user_path};
use crate::api::{ApiClient, ApiError, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use uuid::Uuid;

/// The person of an export.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct PersonArgs {
    /// Export what both services hold about the person with this id, as one JSON document
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<Uuid>,
    /// As --id, for the person with this user name
    #[arg(long, value_name = "NAME")]
    pub(super) user_name: Option<String>,
}

impl PersonArgs {
    /// True if one person is named.
    pub(super) fn is_given(&self) -> bool {
        self.id.is_some() || self.user_name.is_some()
    }
}

/// The document about a person: `id`, and the member of each service, which is null if the service knows nobody with this id.
///
/// # Errors
/// When a service does not answer, or both know nobody.
pub(super) async fn export(api: &ApiClient, person: &PersonArgs) -> Result<Value, CommandError> {
    let id = match (&person.id, &person.user_name) {
        (Some(id), _) => id.to_string(),
        (None, name) => {
            let user = find_by_name(api, name.as_deref().unwrap_or_default()).await?;
            user_path(&user)?;
            text_at(&user, "/id")
        }
    };
    let users = known(api, RemoteService::Users, paths::users::PERSONAL_DATA, &id).await?;
    let auth = known(api, RemoteService::Auth, paths::auth::PERSONAL_DATA, &id).await?;
    if users.is_null() && auth.is_null() {
        return Err(CommandError::new(
            ErrorCode::NotFound,
            format!("there is no person with the id {id}"),
        ));
    }
    Ok(json!({ "id": id, "users": users, "auth": auth }))
}

async fn known(api: &ApiClient, service: RemoteService, path: &str, id: &str) -> Result<Value, ApiError> {
    match api.call(service, Method::GET, &paths::fill(path, &[id])).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(Value::Null),
        other => other,
    }
}

//! `/admin/v1/clients/{client_id}/secrets`: the secrets of a client, two at once at most.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem, PublicUrl};
use contract::paths::auth::CLIENT_SECRET;
use contract::paths::fill;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use schemars::JsonSchema;
use serde::Serialize;

use super::admin_clients::to_problem;
use crate::clients::{ClientSecret, Clients};

/// A secret of a client, without the secret itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClientSecret")]
pub(crate) struct SecretView {
    id: String,
    created_at: Timestamp,
    /// The secret, which is shown once, in the response that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// The secrets of a client, the newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClientSecretList")]
pub(crate) struct SecretList {
    secrets: Vec<SecretView>,
}

impl From<&ClientSecret> for SecretView {
    fn from(secret: &ClientSecret) -> Self {
        Self {
            id: secret.id(),
            created_at: secret.created_at,
            client_secret: None,
        }
    }
}

/// `GET /admin/v1/clients/{client_id}/secrets`: the secrets of a client, the newest first.
pub(crate) async fn list(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<Json<SecretList>, Problem> {
    let client = clients.find_newest(&id).await?.ok_or_else(Problem::not_found)?;
    let secrets = client.secrets().iter().map(SecretView::from).collect();
    Ok(Json(SecretList { secrets }))
}

/// `POST /admin/v1/clients/{client_id}/secrets`: makes one more secret. Only this response has it.
pub(crate) async fn create(
    State(clients): State<Clients>,
    State(issuer): State<PublicUrl>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let created = clients.add_secret(&id).await.map_err(to_problem)?;
    let created = created.ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "client-secret-created", event.outcome = "success", user.id = %admin.subject, client.id = id, client.secret.id = created.stored.id(), "administrator made a secret of a client");
    let shown = SecretView {
        client_secret: Some(created.secret.expose().to_owned()),
        ..SecretView::from(&created.stored)
    };
    let location = issuer.local(&fill(CLIENT_SECRET, &[&id, &shown.id]));
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(shown)).into_response())
}

/// `DELETE /admin/v1/clients/{client_id}/secrets/{secret_id}`: deletes a secret. The last one stays.
pub(crate) async fn delete(
    State(clients): State<Clients>,
    admin: Scoped<Admin>,
    Path((id, secret)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    if clients.delete_secret(&id, &secret).await.map_err(to_problem)? {
        tracing::info!(event.action = "client-secret-deleted", event.outcome = "success", user.id = %admin.subject, client.id = id, client.secret.id = secret, "administrator deleted a secret of a client");
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

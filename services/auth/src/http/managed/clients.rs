//! `/admin/v1/managed/clients`: the clients that declarative files manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::http::{Path, Problem, Query, page_limit};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Applied, MAX_LIMIT, ManagedBy, ManagedPage, ManagedQuery};
use crate::clients::{
    ClientError, ClientId, ClientMetadata, Clients, WantedClient, with_canonical_audiences,
};
use crate::http::admin_clients::{ClientView, to_problem};
use crate::http::preconditions::{expected_state, precondition_failed, required_version};
use crate::managed::{Ending, Expected, FileName};
use crate::tokens::Issuer;

/// The body of `PUT /admin/v1/managed/clients/{client_id}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagedClientRequest {
    /// The name of the file that manages the client from now on.
    managed_by: FileName,
    /// The file that manages the client so far, and `null` if none does. If that is not so any more, nothing is changed. It is of no use with `If-None-Match`.
    #[serde(default)]
    expected_managed_by: Option<FileName>,
    /// A secret that the client is to have, of 32 to 256 printable ASCII characters. If it does not have it, it becomes the newest, and
    /// of those before the newest stays.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    client_secret: Option<SecretString>,
    /// The whole metadata. What is left out gets its default.
    metadata: ClientMetadata,
}

/// `GET /admin/v1/managed/clients?after=&limit=`: one page of the marks of clients.
pub(crate) async fn list(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Query(query): Query<ManagedQuery>,
) -> Result<Json<ManagedPage>, Problem> {
    page_limit(query.limit, MAX_LIMIT)?;
    let found = clients.list_managed(&query.after, query.limit).await?;
    Ok(Json(ManagedPage::new(found, query.limit)))
}

/// `PUT /admin/v1/managed/clients/{client_id}`: makes or changes a client, and marks it. Only this response has a secret that was made.
pub(crate) async fn put(
    State(clients): State<Clients>,
    State(issuer): State<Arc<Issuer>>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
    headers: HeaderMap,
    chassis::http::Json(request): chassis::http::Json<ManagedClientRequest>,
) -> Result<Response, Problem> {
    let expected = expected_state(&headers)?;
    let id = id
        .parse::<ClientId>()
        .map_err(|error| Problem::invalid().field("client_id", error.to_string()))?;
    let (managed_by, owner) = (request.managed_by, request.expected_managed_by);
    let wanted = WantedClient {
        managed_by: managed_by.clone(),
        owner: owner.clone(),
        metadata: with_canonical_audiences(request.metadata, issuer.audiences()),
        secret: request.client_secret,
    };
    let checked = wanted.metadata.check_audiences(issuer.users());
    checked.map_err(|invalid| refusal(invalid.into()))?;
    let applied = clients.apply(id, expected, wanted).await.map_err(refusal)?;
    let status = match expected {
        Expected::Absent => StatusCode::CREATED,
        Expected::Version(_) => StatusCode::OK,
    };
    let change = Applied::of(expected, applied.client.version, owner.as_ref(), &managed_by);
    match change {
        Applied::Created => {
            tracing::info!(event.action = "client-created", event.outcome = "success", user.id = %admin.subject, client.id = applied.client.id.as_str(), declarative_file.name = managed_by.as_str(), "administrator applied a declarative file to a client");
        }
        Applied::Adopted => {
            tracing::info!(event.action = "client-adopted", event.outcome = "success", user.id = %admin.subject, client.id = applied.client.id.as_str(), declarative_file.name = managed_by.as_str(), declarative_file.former_name = change.former(owner.as_ref()), "administrator applied a declarative file to a client");
        }
        Applied::Changed => {
            tracing::info!(event.action = "client-updated", event.outcome = "success", user.id = %admin.subject, client.id = applied.client.id.as_str(), declarative_file.name = managed_by.as_str(), "administrator applied a declarative file to a client");
        }
        Applied::Unchanged => {}
    }
    let shown = ClientView::from(applied);
    let headers = [(CACHE_CONTROL, "no-store".to_owned()), shown.tag()];
    Ok((status, headers, Json(shown)).into_response())
}

/// `DELETE /admin/v1/managed/clients/{client_id}?managed_by=&release=`: deletes a client that the file made, or releases one that it manages.
pub(crate) async fn delete(
    State(clients): State<Clients>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
    Query(query): Query<ManagedBy>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let version = required_version(&headers)?;
    let ending = query.ending();
    let ended = clients
        .end_management(&id, &query.managed_by, version, ending)
        .await;
    if !ended.map_err(refusal)? {
        return Err(Problem::not_found());
    }
    match ending {
        Ending::Delete => {
            tracing::info!(event.action = "client-deleted", event.outcome = "success", user.id = %admin.subject, client.id = id, declarative_file.name = query.managed_by.as_str(), "administrator deleted a client that a declarative file made");
        }
        Ending::Release => {
            tracing::info!(event.action = "client-released", event.outcome = "success", user.id = %admin.subject, client.id = id, declarative_file.name = query.managed_by.as_str(), "administrator released a client from a declarative file");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn refusal(error: ClientError) -> Problem {
    match error {
        ClientError::Changed | ClientError::Taken => precondition_failed(),
        ClientError::Invalid(invalid) if invalid.field != "client_secret" => {
            Problem::invalid().field(format!("metadata.{}", invalid.field), invalid.detail)
        }
        error => to_problem(error),
    }
}

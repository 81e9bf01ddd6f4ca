//! `/admin/v1/managed/protected-hosts`: the protected hosts that declarative files manage.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::http::{Path, Problem, Query, page_limit};
use forward_auth::{AccessRules, Origin};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Applied, MAX_LIMIT, ManagedBy, ManagedPage, ManagedQuery};
use crate::http::admin_protected_hosts::{ProtectedHostView, to_problem};
use crate::http::preconditions::{expected_state, precondition_failed, required_version, tag};
use crate::managed::{Ending, Expected, FileName};
use crate::protected_hosts::{HostSettings, ProtectedHostError, ProtectedHosts, WantedHost};

/// The body of `PUT /admin/v1/managed/protected-hosts/{host}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagedHostRequest {
    /// The name of the file that manages the host from now on.
    managed_by: FileName,
    /// The file that manages the host so far, and `null` if none does. If that is not so any more, nothing is changed. It is of no use with `If-None-Match`.
    #[serde(default)]
    expected_managed_by: Option<FileName>,
    /// The host as in the path, for `http` with its scheme: `http://localhost:8080`.
    host: String,
    /// The name that people see.
    name: String,
    /// The people who may use it, and exceptions by path.
    rules: AccessRules,
}

/// `GET /admin/v1/managed/protected-hosts?after=&limit=`: one page of the marks of hosts.
pub(crate) async fn list(
    State(hosts): State<ProtectedHosts>,
    _: Scoped<Admin>,
    Query(query): Query<ManagedQuery>,
) -> Result<Json<ManagedPage>, Problem> {
    page_limit(query.limit, MAX_LIMIT)?;
    let found = hosts.list_managed(&query.after, query.limit).await?;
    Ok(Json(ManagedPage::new(found, query.limit)))
}

/// `PUT /admin/v1/managed/protected-hosts/{host}`: makes or changes a host, and marks it.
pub(crate) async fn put(
    State(hosts): State<ProtectedHosts>,
    admin: Scoped<Admin>,
    Path(host): Path<String>,
    headers: HeaderMap,
    chassis::http::Json(request): chassis::http::Json<ManagedHostRequest>,
) -> Result<Response, Problem> {
    let expected = expected_state(&headers)?;
    let invalid = |problem: String| Problem::invalid().field("host", problem);
    let origin = Origin::parse(&request.host).map_err(|error| invalid(error.to_string()))?;
    if origin.host() != host {
        return Err(invalid("expected the host of the path".to_owned()));
    }
    let (managed_by, owner) = (request.managed_by, request.expected_managed_by);
    let wanted = WantedHost {
        managed_by: managed_by.clone(),
        owner: owner.clone(),
        origin,
        settings: HostSettings {
            name: request.name,
            rules: request.rules,
        },
    };
    let applied = hosts.apply(expected, wanted).await.map_err(refusal)?;
    let status = match expected {
        Expected::Absent => StatusCode::CREATED,
        Expected::Version(_) => StatusCode::OK,
    };
    let change = Applied::of(expected, applied.version, owner.as_ref(), &managed_by);
    match change {
        Applied::Created => {
            tracing::info!(event.action = "protected-host-created", event.outcome = "success", user.id = %admin.subject, protected_host.name = %applied.origin, declarative_file.name = managed_by.as_str(), "administrator applied a declarative file to a protected host");
        }
        Applied::Adopted => {
            tracing::info!(event.action = "protected-host-adopted", event.outcome = "success", user.id = %admin.subject, protected_host.name = %applied.origin, declarative_file.name = managed_by.as_str(), declarative_file.former_name = change.former(owner.as_ref()), "administrator applied a declarative file to a protected host");
        }
        Applied::Changed => {
            tracing::info!(event.action = "protected-host-changed", event.outcome = "success", user.id = %admin.subject, protected_host.name = %applied.origin, declarative_file.name = managed_by.as_str(), "administrator applied a declarative file to a protected host");
        }
        Applied::Unchanged => {}
    }
    let tag = tag(applied.version);
    Ok((status, [tag], Json(ProtectedHostView::from(applied))).into_response())
}

/// `DELETE /admin/v1/managed/protected-hosts/{host}?managed_by=&release=`: deletes a host that the file made, or releases one that it manages.
pub(crate) async fn delete(
    State(hosts): State<ProtectedHosts>,
    admin: Scoped<Admin>,
    Path(host): Path<String>,
    Query(query): Query<ManagedBy>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let version = required_version(&headers)?;
    let ending = query.ending();
    let ended = hosts
        .end_management(&host, &query.managed_by, version, ending)
        .await;
    if !ended.map_err(refusal)? {
        return Err(Problem::not_found());
    }
    match ending {
        Ending::Delete => {
            tracing::info!(event.action = "protected-host-deleted", event.outcome = "success", user.id = %admin.subject, protected_host.name = %host, declarative_file.name = query.managed_by.as_str(), "administrator deleted a protected host that a declarative file made");
        }
        Ending::Release => {
            tracing::info!(event.action = "protected-host-released", event.outcome = "success", user.id = %admin.subject, protected_host.name = %host, declarative_file.name = query.managed_by.as_str(), "administrator released a protected host from a declarative file");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn refusal(error: ProtectedHostError) -> Problem {
    match error {
        ProtectedHostError::Changed | ProtectedHostError::Taken => precondition_failed(),
        error => to_problem(error),
    }
}

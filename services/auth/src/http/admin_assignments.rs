//! `/admin/v1/clients/{client_id}/assignments`: the roles that people were given at one client, for administrators.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, page_limit};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assignments::{AssignError, Assignments, GivenRole};
use crate::clients::Clients;

const MAX_LIMIT: u16 = 500;

/// A role that a person was given.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RoleAssignment")]
pub(crate) struct AssignmentView {
    user_id: Uuid,
    role: String,
    assigned_at: Timestamp,
}

/// One page of the roles that people were given at a client.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RoleAssignmentPage")]
pub(crate) struct AssignmentPage {
    /// The assignments, in the order of people and roles.
    assignments: Vec<AssignmentView>,
    /// The value of `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The query of the list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignmentQuery {
    /// The `next` of an earlier page.
    #[serde(default)]
    after: String,
    /// The most assignments of one page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: u16,
}

fn default_limit() -> u16 {
    100
}

impl From<GivenRole> for AssignmentView {
    fn from(given: GivenRole) -> Self {
        Self {
            user_id: given.subject,
            role: given.role,
            assigned_at: given.assigned_at,
        }
    }
}

/// `GET /admin/v1/clients/{client_id}/assignments`: the roles that people were given at a client.
pub(crate) async fn list(
    _: Scoped<Admin>,
    State(clients): State<Clients>,
    State(assignments): State<Assignments>,
    Path(client): Path<String>,
    Query(query): Query<AssignmentQuery>,
) -> Result<Json<AssignmentPage>, Problem> {
    page_limit(query.limit, MAX_LIMIT)?;
    clients
        .find_newest(&client)
        .await?
        .ok_or_else(Problem::not_found)?;
    let after = match query.after.split_once(':') {
        None if query.after.is_empty() => Some((Uuid::nil(), "")),
        None => None,
        Some((subject, role)) => subject.parse().ok().map(|subject| (subject, role)),
    };
    let after =
        after.ok_or_else(|| Problem::invalid().field("after", "expected the next of an earlier page"))?;
    let found = assignments.list(&client, after, query.limit).await?;
    let next = next_cursor(&found, i64::from(query.limit), |given| {
        format!("{}:{}", given.subject, given.role)
    });
    Ok(Json(AssignmentPage {
        assignments: found.into_iter().map(AssignmentView::from).collect(),
        next,
    }))
}

/// `PUT /admin/v1/clients/{client_id}/assignments/{id}/{role}`: gives a person a role.
pub(crate) async fn assign(
    admin: Scoped<Admin>,
    State(clients): State<Clients>,
    State(assignments): State<Assignments>,
    Path((client, id, role)): Path<(String, Uuid, String)>,
) -> Result<StatusCode, Problem> {
    let found = clients
        .find_newest(&client)
        .await?
        .ok_or_else(Problem::not_found)?;
    let is_new = assignments
        .assign((found.registered(), found.version), id, &role)
        .await
        .map_err(to_problem)?;
    if is_new {
        tracing::info!(event.action = "role-assigned", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, client.id = client, "administrator gave a person a role at a client");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/v1/clients/{client_id}/assignments/{id}/{role}`: takes a role that a person was given.
pub(crate) async fn withdraw(
    admin: Scoped<Admin>,
    State(assignments): State<Assignments>,
    Path((client, id, role)): Path<(String, Uuid, String)>,
) -> Result<StatusCode, Problem> {
    if !assignments.withdraw(&client, id, &role).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(event.action = "role-withdrawn", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, client.id = client, "administrator took a role at a client from a person");
    Ok(StatusCode::NO_CONTENT)
}

fn to_problem(error: AssignError) -> Problem {
    match error {
        AssignError::NoRole => Problem::invalid().field("role", "is not defined with the client"),
        AssignError::NoPerson => Problem::not_found().detail("There is no active person with this id."),
        AssignError::Changed => {
            Problem::conflict("The client was changed at this moment. Send the request again.")
        }
        AssignError::Db(error) => error.into(),
    }
}

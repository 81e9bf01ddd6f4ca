//! `/admin/v1/delegations`: delegations of administration, for tokens with the scope `admin`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::Admin;
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, page_limit};
use contract::paths::fill;
use contract::paths::users::DELEGATION;
use contract::{GroupId, UserId};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::Privileged;
use crate::delegations::{Delegation, DelegationError, Delegations, DesiredDelegation};

/// The most entries of one page.
const MAX_LIMIT: i64 = 200;

/// A delegation to be created: to a user or a group, over the members of a group or the users whom a filter matches.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateDelegation")]
pub(crate) struct CreateRequest {
    /// The user to whom it is given, by id.
    to_user: Option<UserId>,
    /// The group to whose members it is given, on every level of groups in it.
    to_group: Option<GroupId>,
    /// The group whose members it is about, on every level of groups in it.
    members_of: Option<GroupId>,
    /// A filter (RFC 7644 §3.4.2.2) of the users whom it is about, which an index serves.
    users_matching: Option<String>,
    /// Some of `write`, `create` (with `users_matching`), `delete`, `manage_members` (with `members_of`) and `set_password` (with
    /// `write` or `create`). `read` is always among them.
    #[serde(default)]
    rights: Vec<String>,
}

/// A delegation.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Delegation")]
pub(crate) struct DelegationResponse {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_group: Option<GroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members_of: Option<GroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users_matching: Option<String>,
    rights: Vec<String>,
    created_at: Timestamp,
}

/// A page of delegations, in the order of their ids.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "DelegationPage")]
pub(crate) struct PageResponse {
    delegations: Vec<DelegationResponse>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The parameters of a list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DelegationQuery")]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    after: Option<Uuid>,
    /// The most delegations of one page: 100 if it is left out.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

impl From<Delegation> for DelegationResponse {
    fn from(delegation: Delegation) -> Self {
        Self {
            id: delegation.id,
            to_user: delegation.to_user,
            to_group: delegation.to_group,
            members_of: delegation.members_of,
            users_matching: delegation.users_matching,
            rights: delegation
                .rights
                .iter()
                .map(|right| right.as_str().to_owned())
                .collect(),
            created_at: delegation.created_at,
        }
    }
}

impl From<DelegationError> for Problem {
    fn from(error: DelegationError) -> Self {
        match error {
            DelegationError::NotFound => Self::not_found(),
            DelegationError::TooMany | DelegationError::HeldTooMany => Self::conflict(format!("{error}.")),
            DelegationError::Invalid { field, reason } => Self::invalid().field(field, reason),
            DelegationError::Db(error) => error.into(),
        }
    }
}

/// `GET /admin/v1/delegations`: list.
pub(crate) async fn list(
    _: Privileged<Admin>,
    State(delegations): State<Delegations>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageResponse>, Problem> {
    let limit = page_limit(query.limit.unwrap_or(100), MAX_LIMIT)?;
    let found = delegations
        .page(query.after.unwrap_or(Uuid::nil()), limit)
        .await?;
    let next = next_cursor(&found, limit, |delegation| delegation.id);
    Ok(Json(PageResponse {
        delegations: found.into_iter().map(DelegationResponse::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/delegations`: creation.
pub(crate) async fn create(
    _: Privileged<Admin>,
    State(delegations): State<Delegations>,
    chassis::http::Json(request): chassis::http::Json<CreateRequest>,
) -> Result<Response, Problem> {
    let desired = DesiredDelegation {
        to_user: request.to_user,
        to_group: request.to_group,
        members_of: request.members_of,
        users_matching: request.users_matching,
        rights: request.rights,
    };
    let made = delegations.create(desired).await?;
    let headers = [(LOCATION, fill(DELEGATION, &[&made.id.to_string()]))];
    Ok((StatusCode::CREATED, headers, Json(DelegationResponse::from(made))).into_response())
}

/// `GET /admin/v1/delegations/{id}`: retrieval.
pub(crate) async fn show(
    _: Privileged<Admin>,
    State(delegations): State<Delegations>,
    Path(id): Path<Uuid>,
) -> Result<Json<DelegationResponse>, Problem> {
    Ok(Json(delegations.find(id).await?.into()))
}

/// `DELETE /admin/v1/delegations/{id}`: the end of a delegation.
pub(crate) async fn delete(
    _: Privileged<Admin>,
    State(delegations): State<Delegations>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    delegations.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

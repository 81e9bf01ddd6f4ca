//! The users and groups at a target: to list them, and to push them once more.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, page_limit};
use chassis::routes::{Permission, Routes};
use contract::paths::provisioning::{RESOURCE, RESOURCES, RETRY_RESOURCE};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::store;
use super::super::store::resources::{self, Resource, State as Progress};
use super::{HasProvisioning, MAX_LIMIT};

pub(super) fn routes<S>() -> Routes<S>
where
    S: HasProvisioning + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(RESOURCES, admin, list::<S>)
        .get(RESOURCE, admin, show::<S>)
        .post(RETRY_RESOURCE, admin, retry::<S>)
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Only resources in this state.
    state: Option<Progress>,
    /// The `next` of an earlier page.
    after: Option<Uuid>,
    /// The most resources of one page.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

/// Resources, in the order of their ids.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisionedResourcePage")]
pub(crate) struct Page {
    resources: Vec<Resource>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "RetriedPushes")]
pub(crate) struct Retried {
    retried: u64,
}

/// `GET /admin/v1/provisioning-targets/{id}/resources?state=&after=&limit=`
async fn list<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page>, Problem> {
    let limit = page_limit(query.limit.unwrap_or(100), MAX_LIMIT)?;
    let mut reader = state.provisioning().shared.db.reader().await?;
    store::find(&mut reader, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let after = query.after.unwrap_or(Uuid::nil());
    let resources = resources::list(&mut reader, id, query.state, after, limit).await?;
    let next = next_cursor(&resources, limit, Resource::id);
    Ok(Json(Page { resources, next }))
}

/// `GET /admin/v1/provisioning-targets/{id}/resources/{resource}`
async fn show<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path((id, resource)): Path<(Uuid, Uuid)>,
) -> Result<Json<Resource>, Problem> {
    find(&state, id, resource).await.map(Json)
}

/// `POST /admin/v1/provisioning-targets/{id}/resources/{resource}/retry`
async fn retry<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path((id, resource)): Path<(Uuid, Uuid)>,
) -> Result<(StatusCode, Json<Resource>), Problem> {
    state.provisioning().retry(id, resource).await?;
    Ok((StatusCode::ACCEPTED, Json(find(&state, id, resource).await?)))
}

/// `POST /admin/v1/provisioning-targets/{id}/retry`: pushes everything once more that was given up.
pub(super) async fn retry_dead<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<Retried>), Problem> {
    let retried = state.provisioning().retry_dead(id).await?;
    Ok((StatusCode::ACCEPTED, Json(Retried { retried })))
}

async fn find<S: HasProvisioning>(state: &S, id: Uuid, resource: Uuid) -> Result<Resource, Problem> {
    let mut reader = state.provisioning().shared.db.reader().await?;
    resources::find(&mut reader, id, resource)
        .await?
        .ok_or_else(Problem::not_found)
}

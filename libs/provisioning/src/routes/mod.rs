//! `/admin/v1/provisioning-targets`, for tokens with the scope `admin`.

pub(crate) mod drift;
mod problem;
pub(crate) mod resources;
pub(crate) mod response;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, RawBody, not_null, page_limit, parse_json};
use chassis::routes::{Permission, Routes};
use contract::paths::fill;
use contract::paths::provisioning::{RETRY, SYNC, TARGET, TARGETS};
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;
use uuid::Uuid;

use super::Provisioning;
use super::credentials::Credentials;
use super::manage::{Edit, TargetSpec};
use super::rules::Rules;
use super::store::{self, sweeps};
use response::{Page, TargetResponse};

/// A router's state that has outbound provisioning.
pub trait HasProvisioning {
    /// The outbound provisioning.
    fn provisioning(&self) -> &Provisioning;
}

impl<T: HasProvisioning + ?Sized> HasProvisioning for Arc<T> {
    fn provisioning(&self) -> &Provisioning {
        (**self).provisioning()
    }
}

/// The routes of targets and of what they hold.
pub fn routes<S>() -> Routes<S>
where
    S: HasProvisioning + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(TARGETS, admin, list::<S>)
        .post(TARGETS, admin, create::<S>)
        .get(TARGET, admin, show::<S>)
        .patch(TARGET, admin, change::<S>)
        .delete(TARGET, admin, delete::<S>)
        .post(SYNC, admin, sync::<S>)
        .post(RETRY, admin, resources::retry_dead::<S>)
        .and(resources::routes())
        .and(drift::routes())
}

/// A target to be created.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateProvisioningTarget")]
pub(crate) struct CreateTarget {
    /// The name, for people; no other target has it.
    name: String,
    /// The base URL of the SCIM endpoint, to which `/Users` is added: `https://app.example.org/scim/v2`.
    base_url: String,
    credentials: Credentials,
    #[serde(default)]
    rules: Rules,
    /// False to push nothing yet.
    #[serde(default = "enabled")]
    enabled: bool,
}

fn enabled() -> bool {
    true
}

/// The changes to a target (as JSON Merge Patch, RFC 7396, without `null`); `rules` and `credentials` are replaced as a whole.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ProvisioningTargetPatch")]
pub(crate) struct Patch {
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "String")]
    name: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "String")]
    base_url: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "Credentials")]
    credentials: Option<Credentials>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "Rules")]
    rules: Option<Rules>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "bool")]
    enabled: Option<bool>,
}

/// The most entries of one page.
const MAX_LIMIT: i64 = 500;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    after: Option<Uuid>,
    /// The most targets of one page.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

/// A sync.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProvisioningSync")]
pub(crate) struct SyncBody {
    /// If true, the target is asked for everything that it should have.
    #[serde(default)]
    verify: bool,
}

/// `GET /admin/v1/provisioning-targets?after=&limit=`
async fn list<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page>, Problem> {
    let limit = page_limit(query.limit.unwrap_or(100), MAX_LIMIT)?;
    let mut reader = state.provisioning().shared.db.reader().await?;
    let found = store::list(&mut reader, query.after.unwrap_or(Uuid::nil()), limit).await?;
    let next = next_cursor(&found, limit, |target| target.id);
    let targets = found.into_iter().map(TargetResponse::of).collect();
    Ok(Json(Page { targets, next }))
}

/// `POST /admin/v1/provisioning-targets`
async fn create<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    chassis::http::Json(body): chassis::http::Json<CreateTarget>,
) -> Result<Response, Problem> {
    let spec = TargetSpec {
        name: body.name,
        base_url: body.base_url,
        credentials: body.credentials,
        rules: body.rules,
        enabled: body.enabled,
    };
    let created = state.provisioning().create(spec).await?;
    let location = fill(TARGET, &[&created.id.to_string()]);
    let shown = Json(TargetResponse::of(created));
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown).into_response())
}

/// `GET /admin/v1/provisioning-targets/{id}`: the target with its counts and the progress of its sweeps.
async fn show<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<Json<TargetResponse>, Problem> {
    let mut reader = state.provisioning().shared.db.reader().await?;
    let target = store::find(&mut reader, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let counts = store::figures::counts(&mut reader, id).await?;
    let sweeps = sweeps::of_target(&mut reader, id).await?;
    Ok(Json(TargetResponse::of(target).with_progress(counts, &sweeps)))
}

/// `PATCH /admin/v1/provisioning-targets/{id}`
async fn change<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    chassis::http::Json(patch): chassis::http::Json<Patch>,
) -> Result<Json<TargetResponse>, Problem> {
    let edit = Edit {
        name: patch.name,
        base_url: patch.base_url,
        credentials: patch.credentials,
        rules: patch.rules,
        enabled: patch.enabled,
    };
    if edit.is_empty() {
        return Err(Problem::invalid().detail("Nothing is to be different: name what is to change."));
    }
    let changed = state.provisioning().change(id, edit).await?;
    Ok(Json(TargetResponse::of(changed)))
}

/// `DELETE /admin/v1/provisioning-targets/{id}`: nothing is deleted at the target.
async fn delete<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.provisioning().delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/v1/provisioning-targets/{id}/sync`, with or without a body.
async fn sync<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    RawBody(body): RawBody,
) -> Result<StatusCode, Problem> {
    let body = match body.is_empty() {
        true => SyncBody::default(),
        false => parse_json::<SyncBody>(&body)?,
    };
    state.provisioning().sync(id, body.verify).await?;
    Ok(StatusCode::ACCEPTED)
}

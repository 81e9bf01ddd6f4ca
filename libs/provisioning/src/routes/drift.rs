//! Dry runs and drift checks of a target.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem, RawBody, page_limit, parse_json};
use chassis::routes::{Permission, Routes};
use contract::paths::provisioning::{DRIFT_CHECK, DRY_RUN};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::dry_run::DryRunPage;
use super::super::rules::Rules;
use super::super::store::checks::{self, Check, Finding};
use super::HasProvisioning;

pub(super) fn routes<S>() -> Routes<S>
where
    S: HasProvisioning + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .post(DRY_RUN, admin, dry_run::<S>)
        .get(DRIFT_CHECK, admin, show::<S>)
        .post(DRIFT_CHECK, admin, begin::<S>)
}

/// The most pushes of one page of a dry run: each may ask the target.
const MAX_PUSHES: usize = 50;

/// A page of a dry run.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ProvisioningDryRun")]
pub(crate) struct DryRunBody {
    /// The `next` of an earlier page.
    after: Option<String>,
    /// The most pushes of one page.
    #[schemars(range(min = 1, max = MAX_PUSHES))]
    limit: Option<usize>,
    /// Rules to try in place of those of the target.
    rules: Option<Rules>,
}

/// A drift check.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "BeginDriftCheck")]
pub(crate) struct CheckBody {
    /// If true, what differs or is missing is pushed once more.
    repair: bool,
}

/// A drift check, under way or ended.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "DriftCheck")]
pub(crate) struct CheckResponse {
    id: Uuid,
    repair: bool,
    /// `users`, `groups`, `missing` while it is under way; `done` or `failed`.
    phase: String,
    /// Users and groups of the target that were looked at.
    compared: i64,
    /// Those that differ from what they should be.
    different: i64,
    /// Users and groups that should be there and are not.
    missing: i64,
    /// Users and groups of the target that were not pushed from here.
    unmanaged: i64,
    /// Groups that are too large to be compared.
    not_compared: i64,
    /// The first hundred of them.
    findings: Vec<Finding>,
    /// The reason why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl CheckResponse {
    fn of(check: Check) -> Self {
        Self {
            id: check.id,
            repair: check.repair,
            phase: check.phase,
            compared: check.compared,
            different: check.different,
            missing: check.missing,
            unmanaged: check.unmanaged,
            not_compared: check.not_compared,
            findings: check.findings.0,
            error: check.error,
            started_at: check.started_at,
            finished_at: check.finished_at,
        }
    }
}

/// `POST /admin/v1/provisioning-targets/{id}/dry-run`, with or without a body: the pushes that a sync would make.
async fn dry_run<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    RawBody(body): RawBody,
) -> Result<Json<DryRunPage>, Problem> {
    let body = match body.is_empty() {
        true => DryRunBody::default(),
        false => parse_json::<DryRunBody>(&body)?,
    };
    let limit = page_limit(body.limit.unwrap_or(20), MAX_PUSHES)?;
    let page = state
        .provisioning()
        .dry_run(id, body.rules, body.after.as_deref(), limit)
        .await?;
    Ok(Json(page))
}

/// `POST /admin/v1/provisioning-targets/{id}/drift-check`, with or without a body.
async fn begin<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<CheckResponse>), Problem> {
    let body = match body.is_empty() {
        true => CheckBody::default(),
        false => parse_json::<CheckBody>(&body)?,
    };
    let check = state.provisioning().check(id, body.repair).await?;
    Ok((StatusCode::ACCEPTED, Json(CheckResponse::of(check))))
}

/// `GET /admin/v1/provisioning-targets/{id}/drift-check`: the last check, or the one under way.
async fn show<S: HasProvisioning>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<Json<CheckResponse>, Problem> {
    let mut reader = state.provisioning().shared.db.reader().await?;
    let check = checks::find(&mut reader, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(CheckResponse::of(check)))
}

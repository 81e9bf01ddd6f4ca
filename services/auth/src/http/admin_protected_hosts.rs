//! `/admin/v1/protected-hosts`: administration of the hosts behind a proxy that asks `/forward-auth`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, PublicUrl, Query, page_limit};
use contract::paths::auth::PROTECTED_HOST;
use contract::paths::fill;
use forward_auth::Origin;
use http::StatusCode;
use http::header::LOCATION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protected_hosts::{HostSettings, ProtectedHost, ProtectedHostError, ProtectedHosts};
use forward_auth::AccessRules;

use super::preconditions::precondition_failed;

/// The most hosts of one page.
const MAX_LIMIT: u16 = 500;

/// The body of `POST /admin/v1/protected-hosts`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProtectedHost {
    /// The host with its port, if that is not 443: `wiki.example.org`. A host of this machine may be `http://localhost:8080`.
    host: String,
    /// The name that people see.
    name: String,
    /// The people who may use it, and exceptions by path.
    rules: AccessRules,
}

/// The representation of a protected host.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProtectedHost")]
pub(crate) struct ProtectedHostView {
    /// The host with its port, unless it is that of the scheme.
    host: String,
    /// The origin, as browsers know it.
    origin: String,
    #[serde(flatten)]
    settings: HostSettings,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ProtectedHost> for ProtectedHostView {
    fn from(host: ProtectedHost) -> Self {
        Self {
            host: host.origin.host(),
            origin: host.origin.to_string(),
            settings: host.settings,
            version: host.version,
            created_at: host.created_at,
            updated_at: host.updated_at,
        }
    }
}

/// One page of protected hosts in their order.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProtectedHostPage {
    protected_hosts: Vec<ProtectedHostView>,
    /// The `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The query of the list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProtectedHostQuery")]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    #[serde(default)]
    after: String,
    /// The most hosts of one page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: u16,
}

fn default_limit() -> u16 {
    100
}

/// `GET /admin/v1/protected-hosts?after=&limit=`: one page of hosts.
pub(crate) async fn list(
    State(hosts): State<ProtectedHosts>,
    _: Scoped<Admin>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ProtectedHostPage>, Problem> {
    page_limit(query.limit, MAX_LIMIT)?;
    let found = hosts.list(&query.after, query.limit).await?;
    let next = next_cursor(&found, i64::from(query.limit), |host| host.origin.host());
    Ok(Json(ProtectedHostPage {
        protected_hosts: found.into_iter().map(ProtectedHostView::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/protected-hosts`: registers a host.
pub(crate) async fn create(
    State(hosts): State<ProtectedHosts>,
    State(url): State<PublicUrl>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<NewProtectedHost>,
) -> Result<Response, Problem> {
    let origin =
        Origin::parse(&new.host).map_err(|error| Problem::invalid().field("host", error.to_string()))?;
    let settings = HostSettings {
        name: new.name,
        rules: new.rules,
    };
    let made = hosts.create(origin, settings).await.map_err(to_problem)?;
    tracing::info!(event.action = "protected-host-created", event.outcome = "success", user.id = %admin.subject, protected_host.name = %made.origin, "administrator registered a protected host");
    let location = url.local(&fill(PROTECTED_HOST, &[&made.origin.host()]));
    let shown = Json(ProtectedHostView::from(made));
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown).into_response())
}

/// `GET /admin/v1/protected-hosts/{host}`: one host.
pub(crate) async fn find(
    State(hosts): State<ProtectedHosts>,
    _: Scoped<Admin>,
    Path(host): Path<String>,
) -> Result<Json<ProtectedHostView>, Problem> {
    let found = hosts.find_by_name(&host).await?;
    Ok(Json(found.ok_or_else(Problem::not_found)?.into()))
}

/// `PUT /admin/v1/protected-hosts/{host}`: replaces the name and the rules of a host.
pub(crate) async fn replace(
    State(hosts): State<ProtectedHosts>,
    admin: Scoped<Admin>,
    Path(host): Path<String>,
    chassis::http::Json(settings): chassis::http::Json<HostSettings>,
) -> Result<Json<ProtectedHostView>, Problem> {
    let changed = hosts.replace(&host, settings).await.map_err(to_problem)?;
    let changed = changed.ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "protected-host-changed", event.outcome = "success", user.id = %admin.subject, protected_host.name = %changed.origin, "administrator changed a protected host");
    Ok(Json(changed.into()))
}

/// `DELETE /admin/v1/protected-hosts/{host}`: deletes a host and ends the sessions there.
pub(crate) async fn delete(
    State(hosts): State<ProtectedHosts>,
    admin: Scoped<Admin>,
    Path(host): Path<String>,
) -> Result<StatusCode, Problem> {
    if !hosts.delete(&host).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(event.action = "protected-host-deleted", event.outcome = "success", user.id = %admin.subject, protected_host.name = %host, "administrator deleted a protected host");
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn to_problem(error: ProtectedHostError) -> Problem {
    match error {
        ProtectedHostError::Name => Problem::invalid().field("name", "expected 1 to 100 characters"),
        ProtectedHostError::Rules(invalid) => {
            Problem::invalid().field(format!("rules.{}", invalid.field), invalid.detail)
        }
        ProtectedHostError::Issuer => Problem::invalid().field(
            "host",
            "expected another host than that of the issuer, whose cookies it would get",
        ),
        ProtectedHostError::Taken => Problem::conflict("The host is registered already."),
        ProtectedHostError::Full => Problem::conflict("There are as many protected hosts as there may be."),
        ProtectedHostError::Scheme => {
            Problem::conflict("The host is registered with the other scheme: delete it first.")
        }
        ProtectedHostError::Changed => precondition_failed(),
        ProtectedHostError::Db(error) => error.into(),
    }
}

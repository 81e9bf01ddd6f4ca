//! `/admin/v1/export`: users and groups with everything that `/admin/v1/import` takes back.
//!
//! SCIM cannot do this: an attribute may be returned on request or never (RFC 7643 §7), or be hidden from clients, and each client sees
//! its own `externalId` alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::db::{Db, next_cursor};
use chassis::http::{Problem, Query, page_limit};
use scim::schema::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::NO_STORE;
use super::caller::Privileged;
use super::imports::EXTERNAL_IDS;
use crate::{groups, users};

/// The most users or groups of one page.
const MAX_LIMIT: i64 = 1000;

/// The parameters of an export.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// The `next` of the page before.
    after: Option<Uuid>,
    /// The most users or groups of the page: 1000 if it is left out.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

impl ExportQuery {
    /// The id after which the page begins, and its most entries.
    fn page(&self) -> Result<(Uuid, i64), Problem> {
        let limit = page_limit(self.limit.unwrap_or(MAX_LIMIT), MAX_LIMIT)?;
        Ok((self.after.unwrap_or(Uuid::nil()), limit))
    }
}

/// A page of users, in the order of their ids.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ExportedUsers {
    /// SCIM `User` resources (RFC 7643 §4.1) with all their attributes, `meta.created` alone of `meta`, and in `external_ids` the
    /// `externalId` of each provisioning client.
    users: Vec<Map<String, Value>>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// A page of groups, in the order of their ids.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ExportedGroups {
    /// SCIM `Group` resources (RFC 7643 §4.2) as those of users, without members.
    groups: Vec<Map<String, Value>>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// `GET /admin/v1/export/users`: a page of users.
pub(crate) async fn users(
    _: Privileged<Admin>,
    admin: Scoped<Admin>,
    (State(db), State(registry)): (State<Db>, State<Arc<Registry>>),
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let (after, limit) = query.page()?;
    let found = users::states_after(&mut db.reader().await?, after, limit).await?;
    let next = next_cursor(&found, limit, |state| state.id);
    let resources = found.iter().map(|state| {
        let resource = match users::to_resource(state, registry.users(), "") {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        for_import(resource, &state.external_ids)
    });
    let users: Vec<_> = resources.collect();
    log_exported(&admin, users.len());
    Ok((NO_STORE, Json(ExportedUsers { users, next })).into_response())
}

/// `GET /admin/v1/export/groups`: a page of groups.
pub(crate) async fn groups(
    _: Privileged<Admin>,
    admin: Scoped<Admin>,
    (State(db), State(registry)): (State<Db>, State<Arc<Registry>>),
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let (after, limit) = query.page()?;
    let found = groups::page_after(&mut db.reader().await?, after, limit).await?;
    let next = next_cursor(&found, limit, |group| group.id);
    let resources = found.iter().map(|group| {
        let resource = groups::to_attributes(group, "", None, registry.groups());
        for_import(resource, &group.external_ids)
    });
    let groups: Vec<_> = resources.collect();
    log_exported(&admin, groups.len());
    Ok((NO_STORE, Json(ExportedGroups { groups, next })).into_response())
}

/// The form in which an import takes a resource: of `meta` the time of the creation alone, because the rest means something in one
/// installation, and the identifiers of all clients.
fn for_import(
    mut resource: Map<String, Value>,
    external_ids: &BTreeMap<String, String>,
) -> Map<String, Value> {
    if let Some(Value::Object(meta)) = resource.get_mut("meta") {
        meta.retain(|name, _| name == "created");
    }
    if !external_ids.is_empty() {
        resource.insert(EXTERNAL_IDS.to_owned(), json!(external_ids));
    }
    resource
}

fn log_exported(admin: &Scoped<Admin>, count: usize) {
    tracing::info!(event.action = "directory-exported", event.outcome = "success", user.id = %admin.subject, export.count = count, "administrator exported users or groups");
}

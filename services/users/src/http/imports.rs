//! `/admin/v1/import`: users and groups of another installation, with their ids and the times of their creation.
//!
//! SCIM cannot do this: `id` and `meta` are the server's (RFC 7643 §3.1), so a client that sends them has to be passed over.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use chassis::access::Admin;
use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::http::{Json, Problem};
use scim::ScimType;
use scim::schema::{ResourceType, read};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::caller::Privileged;
use super::scim::resources::Resources;
use crate::authority::Authority;
use crate::groups::{
    DesiredGroup, GroupError, GroupImported, Groups, ImportedGroup, MAX_MEMBER_CHANGES, to_desired_group,
};
use crate::provisioning_clients::ProvisioningClients;
use crate::users::{ImportOutcome, ImportedUser, MAX_IMPORTED, Users, Writer};

/// The member of a resource that has the `externalId` of each client (ADR 0040), by `client_id`.
pub(super) const EXTERNAL_IDS: &str = "external_ids";
/// The greatest length of a `client_id`, in characters.
const MAX_CLIENT_CHARS: usize = 256;

/// The most groups of one import. Each is a transaction of its own, so many more would exceed the time of a request.
const MAX_IMPORTED_GROUPS: usize = 100;

/// Users to import.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBatch {
    /// SCIM `User` resources (RFC 7643 §4.1). `id` and `meta.created` are kept. `external_ids` is an object with the `externalId` of
    /// each provisioning client, by its `client_id`.
    #[schemars(length(max = MAX_IMPORTED))]
    users: Vec<Map<String, Value>>,
}

/// Groups to import.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupBatch {
    /// SCIM `Group` resources (RFC 7643 §4.2). `id` and `meta.created` are kept; `members` are added to those that the group
    /// has. `external_ids` is as that of users.
    #[schemars(length(max = MAX_IMPORTED_GROUPS))]
    groups: Vec<Map<String, Value>>,
}

/// The result of an import.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ImportResult {
    /// The result of each resource, in their order.
    results: Vec<RowResult>,
}

/// The result of one resource.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
pub(crate) struct RowResult {
    /// `conflict`: a value belongs to somebody else. `refused`: the resource is wrong. Neither affects the others.
    #[schemars(extend("enum" = ["created", "existing", "conflict", "refused"]))]
    status: &'static str,
    /// The id, if the resource was created or exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// The reason, with the name of the attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The number of members that were added to a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    members_added: Option<usize>,
    /// The members that could not be added to a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members_refused: Vec<RefusedMember>,
}

/// A member that could not be added.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RefusedMember {
    /// The id.
    id: Uuid,
    /// The reason.
    detail: String,
}

/// `POST /admin/v1/import/users`: imports users in one transaction.
pub(crate) async fn users(
    (State(users), State(resources), State(clients)): (
        State<Users>,
        State<Resources>,
        State<ProvisioningClients>,
    ),
    _: Privileged<Admin>,
    Json(batch): Json<UserBatch>,
) -> Result<Json<ImportResult>, Problem> {
    check_size("users", batch.users.len(), MAX_IMPORTED)?;
    let mut results = Vec::with_capacity(batch.users.len());
    let mut wanted = Vec::with_capacity(batch.users.len());
    let unknown = unknown_clients(&batch.users, &clients).await?;
    for resource in batch.users {
        match imported_user(resource, &resources, &unknown) {
            Ok(user) => {
                wanted.push(user);
                results.push(None);
            }
            Err(error) => results.push(Some(refused(&error))),
        }
    }
    let mut outcomes = users.import(wanted).await?.into_iter();
    let results = results
        .into_iter()
        .filter_map(|result| match result {
            Some(refused) => Some(Ok(refused)),
            None => outcomes.next().map(user_result),
        })
        .collect::<Result<Vec<RowResult>, Problem>>()?;
    Ok(Json(ImportResult { results }))
}

/// `POST /admin/v1/import/groups`: imports groups, each in a transaction of its own.
pub(crate) async fn groups(
    (State(groups), State(clients)): (State<Groups>, State<ProvisioningClients>),
    caller: Privileged<Admin>,
    Json(batch): Json<GroupBatch>,
) -> Result<Json<ImportResult>, Problem> {
    check_size("groups", batch.groups.len(), MAX_IMPORTED_GROUPS)?;
    let mut results = Vec::with_capacity(batch.groups.len());
    // The identifiers of an import are those that everybody sees.
    let writer = Writer {
        accessor: caller.accessor(),
        client: None,
        authority: Authority::EVERYBODY,
        makes_administrators: true,
    };
    let unknown = unknown_clients(&batch.groups, &clients).await?;
    for resource in batch.groups {
        results.push(
            match imported_group(resource, &writer, groups.group_type(), &unknown) {
                Ok(group) => match groups.import(group).await {
                    Ok(imported) => group_result(imported),
                    Err(error) => refused(&error.into_scim()?),
                },
                Err(error) => refused(&error),
            },
        );
    }
    Ok(Json(ImportResult { results }))
}

fn check_size(field: &str, rows: usize, max: usize) -> Result<(), Problem> {
    match rows > max {
        true => Err(Problem::invalid().field(field, format!("has more than {max} rows"))),
        false => Ok(()),
    }
}

fn imported_user(
    mut resource: Map<String, Value>,
    resources: &Resources,
    unknown: &BTreeSet<String>,
) -> Result<ImportedUser, scim::Error> {
    let (id, created_at) = identity_of(&resource)?;
    Ok(ImportedUser {
        id,
        created_at,
        external_ids: take_external_ids(&mut resource, unknown)?,
        body: read(&Value::Object(resource), resources.users())?,
    })
}

fn imported_group(
    mut resource: Map<String, Value>,
    writer: &Writer,
    groups: &ResourceType,
    unknown: &BTreeSet<String>,
) -> Result<ImportedGroup, scim::Error> {
    let (id, created_at) = identity_of(&resource)?;
    let external_ids = take_external_ids(&mut resource, unknown)?;
    let DesiredGroup {
        name,
        external_id,
        members,
        attributes,
        writer: _,
    } = to_desired_group(&Value::Object(resource), writer, groups)?;
    let members = members.unwrap_or_default();
    match members.len() > MAX_MEMBER_CHANGES {
        true => {
            let reason = GroupError::TooManyChanges;
            Err(scim::Error::invalid_value("members", reason))
        }
        false => Ok(ImportedGroup {
            id,
            created_at,
            name,
            external_id,
            external_ids,
            attributes: attributes.change.into_attributes(),
            members,
        }),
    }
}

/// The provisioning clients that resources name in `external_ids`, and that are not here: what they are said to have given would be
/// removed as that of a deleted client.
async fn unknown_clients(
    resources: &[Map<String, Value>],
    clients: &ProvisioningClients,
) -> Result<BTreeSet<String>, DbError> {
    let all = resources
        .iter()
        .filter_map(|resource| resource.get(EXTERNAL_IDS)?.as_object());
    let named: BTreeSet<&str> = all.flat_map(Map::keys).map(String::as_str).collect();
    clients.unknown_among(&named).await
}

/// Takes the identifiers of clients out of a resource.
///
/// # Errors
/// `invalidValue` for what is no object of texts, and for a provisioning client that is not here.
fn take_external_ids(
    resource: &mut Map<String, Value>,
    unknown: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, scim::Error> {
    let wrong = |reason: String| scim::Error::invalid_value(EXTERNAL_IDS, reason);
    let members = match resource.shift_remove(EXTERNAL_IDS) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(wrong("expected an object with a text for each client".to_owned())),
    };
    let mut found = BTreeMap::new();
    for (client, value) in members {
        let Value::String(value) = value else {
            return Err(wrong("expected an object with a text for each client".to_owned()));
        };
        let has_form = (1..=MAX_CLIENT_CHARS).contains(&client.chars().count());
        // SB-34
        if !has_form || client.chars().any(char::is_control) {
            return Err(wrong("expected the client_id of a client".to_owned()));
        }
        if unknown.contains(&client) {
            return Err(wrong(format!(
                "there is no provisioning client with the id {client}; create it first, with this id"
            )));
        }
        found.insert(client, value);
    }
    Ok(found)
}

/// The id and the time of creation of a resource.
///
/// # Errors
/// `invalidValue` for an id that is no UUID, and text that is no time.
fn identity_of(resource: &Map<String, Value>) -> Result<(Option<Uuid>, Option<Timestamp>), scim::Error> {
    let id = match resource.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => {
            let id = id.as_str().and_then(|id| id.parse().ok());
            Some(id.ok_or_else(|| scim::Error::invalid_value("id", "expected a UUID"))?)
        }
    };
    let created_at = match resource.get("meta").and_then(|meta| meta.get("created")) {
        None | Some(Value::Null) => None,
        Some(time) => {
            let time = time.as_str().and_then(|time| time.parse().ok());
            let wrong =
                || scim::Error::invalid_value("meta.created", "expected a date and time as in RFC 3339");
            Some(time.ok_or_else(wrong)?)
        }
    };
    Ok((id, created_at))
}

fn user_result(outcome: ImportOutcome) -> Result<RowResult, Problem> {
    Ok(match outcome {
        ImportOutcome::Created(id) => found("created", id),
        ImportOutcome::Existing(id) => found("existing", id),
        ImportOutcome::Refused(error) => refused(&error.into_scim()?),
    })
}

fn group_result(imported: GroupImported) -> RowResult {
    let status = if imported.created { "created" } else { "existing" };
    RowResult {
        members_added: Some(imported.added),
        members_refused: imported
            .refused
            .into_iter()
            .map(|(id, detail)| RefusedMember { id, detail })
            .collect(),
        ..found(status, imported.id)
    }
}

fn found(status: &'static str, id: Uuid) -> RowResult {
    RowResult {
        status,
        id: Some(id),
        ..RowResult::default()
    }
}

fn refused(error: &scim::Error) -> RowResult {
    RowResult {
        status: match error.scim_type {
            Some(ScimType::Uniqueness) => "conflict",
            _ => "refused",
        },
        detail: Some(error.detail.clone()),
        ..RowResult::default()
    }
}

//! Creation of groups, and addition of members: `POST /admin/v1/import/groups`.

use std::collections::{BTreeMap, HashMap};

use contract::paths;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use scim::schema::CORE_GROUP;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Rejection;
use super::batch::MAX_BYTES;
use super::create::Creator;
use super::report::{MEMBERS, RowRef};
use crate::api::{ApiError, RemoteService, text_at};

/// The limits of one request: the groups, and the members of each of them.
const MAX_GROUPS: usize = 100;
pub(super) const MAX_MEMBERS: usize = 2000;
/// Bytes of a member in a request, at most.
const MEMBER_BYTES: usize = 64;

/// A user whom a row puts into a group.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) row: RowRef,
    pub(super) user_name: String,
    pub(super) id: String,
    pub(super) group: String,
}

/// A group, or a part of one, that is about to be sent.
#[derive(Debug)]
pub(super) struct GroupPart {
    pub(super) row: RowRef,
    pub(super) name: String,
    resource: Value,
    /// Bytes of the resource without its members, at most.
    attribute_bytes: usize,
    /// The name that the file has for each of the members.
    references: HashMap<Uuid, String>,
}

impl GroupPart {
    /// A group with these members: the id of each, what the file calls it, and its kind.
    pub(super) fn new(
        row: RowRef,
        mut group: Map<String, Value>,
        id: Option<Uuid>,
        members: Vec<(Uuid, String, Option<&'static str>)>,
    ) -> Self {
        let name = text_at(&group.get("displayName").cloned().unwrap_or_default(), "");
        group.insert("schemas".to_owned(), json!([CORE_GROUP]));
        match id {
            Some(id) => group.insert("id".to_owned(), id.to_string().into()),
            None => group.remove("id"),
        };
        let attribute_bytes = json!(group).to_string().len() + MEMBER_BYTES;
        let list = members.iter().map(|(id, _, kind)| match kind {
            Some(kind) => json!({ "value": id, "type": kind }),
            None => json!({ "value": id }),
        });
        if !members.is_empty() {
            group.insert("members".to_owned(), list.collect());
        }
        Self {
            row,
            name,
            resource: Value::Object(group),
            attribute_bytes,
            references: members
                .into_iter()
                .map(|(id, reference, _)| (id, reference))
                .collect(),
        }
    }

    /// The bytes of the part in a request, at most.
    pub(super) fn bytes(&self) -> usize {
        self.attribute_bytes + self.references.len() * MEMBER_BYTES
    }
}

/// The result of importing a part of a group.
#[derive(Debug)]
pub(super) struct GroupOutcome {
    pub(super) created: bool,
    pub(super) result: Result<Uuid, Rejection>,
    pub(super) added: u64,
    /// Members that could not be added.
    pub(super) refused: Vec<Rejection>,
}

/// The outcome of the memberships of a batch.
#[derive(Debug, Default)]
pub(super) struct MembershipOutcome {
    pub(super) groups_created: u64,
    pub(super) added: u64,
    pub(super) rejected: Vec<(RowRef, Rejection, String)>,
}

impl Creator<'_> {
    /// Sends parts of groups. The outcomes are in their order.
    ///
    /// # Errors
    /// When nothing can be imported: no service answers, or the credential is refused.
    pub(super) async fn import_groups(
        &self,
        mut parts: &[&GroupPart],
    ) -> Result<Vec<GroupOutcome>, ApiError> {
        let mut outcomes = Vec::with_capacity(parts.len());
        while !parts.is_empty() {
            let mut bytes = 0;
            let fitting = parts.iter().take(MAX_GROUPS).take_while(|part| {
                bytes += part.bytes();
                bytes <= MAX_BYTES
            });
            let (request, rest) = parts.split_at(fitting.count().clamp(1, parts.len()));
            let groups: Vec<&Value> = request.iter().map(|part| &part.resource).collect();
            let response = self.send_groups(&json!({ "groups": groups }).to_string()).await?;
            let results = response.get("results").and_then(Value::as_array);
            let results = results.filter(|results| results.len() == request.len());
            let results = results.ok_or_else(|| ApiError::InvalidResponse {
                service: "users",
                reason: "a result for each group is missing".to_owned(),
            })?;
            outcomes.extend(
                request
                    .iter()
                    .zip(results)
                    .map(|(part, result)| outcome(part, result)),
            );
            parts = rest;
        }
        Ok(outcomes)
    }

    async fn send_groups(&self, body: &str) -> Result<Value, ApiError> {
        self.retry(async || {
            let path = paths::users::IMPORT_GROUPS;
            let request = self.api.request(RemoteService::Users, Method::POST, path)?;
            let request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_owned());
            self.api.send(RemoteService::Users, request).await
        })
        .await
    }

    /// Puts users into the groups that their rows name. Groups that do not exist are created.
    ///
    /// # Errors
    /// As [`Self::import_groups`].
    pub(super) async fn import_memberships(
        &self,
        memberships: Vec<Membership>,
    ) -> Result<MembershipOutcome, ApiError> {
        let mut of_groups: BTreeMap<String, Vec<Membership>> = BTreeMap::new();
        for membership in memberships {
            let group = membership.group.clone();
            of_groups.entry(group).or_default().push(membership);
        }
        let mut outcome = MembershipOutcome::default();
        for (group, memberships) in of_groups {
            for members in memberships.chunks(MAX_MEMBERS) {
                self.import_members_of(&group, members, &mut outcome).await?;
            }
        }
        Ok(outcome)
    }

    async fn import_members_of(
        &self,
        group: &str,
        members: &[Membership],
        outcome: &mut MembershipOutcome,
    ) -> Result<(), ApiError> {
        let Some(first) = members.first() else {
            return Ok(());
        };
        let ids = members
            .iter()
            .filter_map(|member| Some((member.id.parse().ok()?, member.id.clone(), Some("User"))));
        let resource = Map::from_iter([("displayName".to_owned(), Value::from(group))]);
        let part = GroupPart::new(first.row, resource, None, ids.collect());
        for imported in self.import_groups(&[&part]).await? {
            outcome.groups_created += u64::from(imported.created);
            outcome.added += imported.added;
            for member in members {
                let refused = match &imported.result {
                    Err(rejection) => Some(rejection.reason.clone()),
                    Ok(_) => {
                        let start = format!("{}: ", member.id);
                        let mut reasons = imported.refused.iter();
                        reasons.find_map(|it| it.reason.strip_prefix(&start).map(str::to_owned))
                    }
                };
                if let Some(reason) = refused {
                    let rejection = Rejection::new("groups", format!("{group}: {reason}"));
                    let rejection = rejection.of(&member.user_name);
                    outcome.rejected.push((member.row, rejection, member.id.clone()));
                }
            }
        }
        Ok(())
    }
}

fn outcome(part: &GroupPart, result: &Value) -> GroupOutcome {
    let detail = text_at(result, "/detail");
    let id = text_at(result, "/id").parse::<Uuid>();
    let refused = result.get("members_refused").and_then(Value::as_array);
    let refused = refused.into_iter().flatten().map(|member| {
        let id = text_at(member, "/id");
        let reference = id.parse().ok().and_then(|id| part.references.get(&id));
        let reason = format!("{}: {}", reference.unwrap_or(&id), text_at(member, "/detail"));
        Rejection::new(MEMBERS, reason).of_group(&part.name)
    });
    GroupOutcome {
        created: text_at(result, "/status") == "created",
        result: id.map_err(|_| Rejection::from_detail(&detail).of_group(&part.name)),
        added: result.get("members_added").and_then(Value::as_u64).unwrap_or(0),
        refused: refused.collect(),
    }
}

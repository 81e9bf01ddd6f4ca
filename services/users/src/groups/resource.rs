//! Conversion between a group and the SCIM `Group` (RFC 7643 §4.2).

use scim::Error;
use scim::patch::{Member, MemberChanges};
use scim::schema::{ResourceType, read};
use scim::version::etag;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attributes::{defined, name_schemas, of_resource};
use super::{
    AttributesChange, AttributesEdit, DesiredGroup, Group, GroupEdit, GroupName, MemberEdit, MemberKind,
    MemberRef,
};
use crate::users::Writer;

/// The group that a body asks for. Without `members` nothing is said of the members (RFC 7644 §3.5.1: they are not asserted),
/// so that a client may send back what it read of a large group.
///
/// # Errors
/// `invalidSyntax` and `invalidValue`, naming the attribute.
pub(crate) fn to_desired_group(
    body: &Value,
    writer: &Writer,
    groups: &ResourceType,
) -> Result<DesiredGroup, Error> {
    let resource = read(body, groups)?;
    let cleared = body
        .as_object()
        .and_then(|members| {
            members
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("members"))
        })
        .is_some();
    let members = match cleared {
        true => {
            let changes = MemberChanges::of_replacement(resource.get("members"));
            Some(changes.add.values().map(member).collect::<Result<_, _>>()?)
        }
        false => None,
    };
    Ok(DesiredGroup {
        name: name_of(&resource)?,
        external_id: external_id_of(&resource),
        writer: writer.clone(),
        members,
        attributes: AttributesEdit {
            accessor: writer.accessor,
            change: AttributesChange::Replace(of_resource(&resource, groups)),
        },
    })
}

/// The change that a PATCH makes of a group that was `before`.
///
/// # Errors
/// `invalidValue`, naming the attribute.
pub(super) fn edit_of(
    (before, after): (&Map<String, Value>, &Map<String, Value>),
    members: &MemberChanges,
    writer: &Writer,
    groups: &ResourceType,
) -> Result<GroupEdit, Error> {
    let attributes = (of_resource(before, groups), of_resource(after, groups));
    let changed = |name: &str| before.get(name) != after.get(name);
    let remove = members.remove.iter().filter_map(|id| id.parse::<Uuid>().ok());
    Ok(GroupEdit {
        name: changed("displayName").then(|| name_of(after)).transpose()?,
        external_id: changed("externalId").then(|| external_id_of(after)),
        client: writer.client.clone(),
        attributes: (attributes.0 != attributes.1).then(|| AttributesEdit {
            accessor: writer.accessor,
            change: AttributesChange::Patch {
                before: attributes.0,
                after: attributes.1,
            },
        }),
        members: MemberEdit {
            add: members.add.values().map(member).collect::<Result<_, _>>()?,
            // An id that has no form of one is nobody's.
            remove: remove.collect(),
            replace: members.replace_all,
        },
    })
}

fn name_of(resource: &Map<String, Value>) -> Result<GroupName, Error> {
    let name = resource.get("displayName").and_then(Value::as_str);
    name.unwrap_or_default()
        .parse()
        .map_err(|reason| Error::invalid_value("displayName", reason))
}

fn external_id_of(resource: &Map<String, Value>) -> Option<String> {
    resource
        .get("externalId")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn member(member: &Member) -> Result<MemberRef, Error> {
    let kind = match member.resource_type.as_deref() {
        None => None,
        Some(kind) if kind.eq_ignore_ascii_case("User") => Some(MemberKind::User),
        Some(kind) if kind.eq_ignore_ascii_case("Group") => Some(MemberKind::Group),
        Some(_) => return Err(Error::invalid_value("members.type", "expected User or Group")),
    };
    let id = member.value.parse().map_err(|_| {
        let reason = "expected the id of a user or a group, which this server gave";
        Error::invalid_value("members.value", reason)
    })?;
    Ok(MemberRef { id, kind })
}

/// The resource of a group without its members, with the `externalId` of a client. `base` is the URL of `/scim/v2`.
pub(crate) fn to_attributes(
    group: &Group,
    base: &str,
    client: Option<&str>,
    groups: &ResourceType,
) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    put("id", group.id.to_string().into());
    if let Some(external_id) = group.external_id_for(client) {
        put("externalId", external_id.into());
    }
    put("displayName", group.name.as_str().into());
    put(
        "meta",
        json!({
            "resourceType": "Group",
            "created": group.created_at.to_string(),
            "lastModified": group.changed_at.to_string(),
            "location": location(group, base),
            "version": etag(group.revision),
        }),
    );
    resource.extend(defined(&group.attributes, groups));
    name_schemas(&mut resource, groups);
    resource
}

/// The resource of a group as [`to_attributes`] makes it, without what a caller may not read.
pub(crate) fn to_shown(
    group: &Group,
    base: &str,
    viewer: &Writer,
    groups: &ResourceType,
) -> Map<String, Value> {
    let mut resource = to_attributes(group, base, viewer.client.as_deref(), groups);
    groups.hide_from(viewer.accessor, &mut resource);
    name_schemas(&mut resource, groups);
    resource
}

/// The URL of a group's resource.
pub(crate) fn location(group: &Group, base: &str) -> String {
    format!("{base}/Groups/{}", group.id)
}

//! Conversion between a group and the SCIM `Group` (RFC 7643 §4.2).

use scim::Error;
use scim::cursor::CursorKey;
use scim::patch::{Member, MemberChanges};
use scim::projection::Projection;
use scim::query::QueryParameters;
use scim::schema::{CORE_GROUP, Registry, ResourceType, read};
use scim::version::etag;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::groups::{DesiredGroup, Group, GroupEdit, GroupName, MemberEdit, MemberKind, MemberRef};

/// The resource type `Group`.
pub(super) fn group_type() -> &'static ResourceType {
    Registry::standard().groups()
}

/// The key of the cursors of groups and their members. It is no secret, as the ids in these cursors are not: the caller has
/// them from the page before.
pub(super) fn cursor_key() -> CursorKey {
    CursorKey::derive(b"ids of groups and members")
}

/// The attributes that a request wants.
#[derive(Clone, Debug)]
pub(super) struct Selection(Projection);

impl Selection {
    /// Parses `attributes` and `excludedAttributes`.
    ///
    /// # Errors
    /// `invalidValue` for both together.
    pub(super) fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let names = |text: Option<&str>| text.map(QueryParameters::names);
        let (attributes, excluded) = (names(attributes), names(excluded));
        Projection::parse(attributes.as_deref(), excluded.as_deref(), &[group_type()]).map(Self)
    }

    pub(super) fn of(projection: Projection) -> Self {
        Self(projection)
    }

    /// True if the response has members, so that they are worth loading.
    pub(super) fn has_members(&self) -> bool {
        self.0.has("members", group_type())
    }

    /// The resource as the response has it.
    pub(super) fn apply(&self, mut resource: Map<String, Value>) -> Value {
        self.0.apply(&mut resource, group_type());
        Value::Object(resource)
    }
}

/// The group that a body asks for. Without `members` nothing is said of the members (RFC 7644 §3.5.1: they are not asserted),
/// so that a client may send back what it read of a large group.
///
/// # Errors
/// `invalidSyntax` and `invalidValue`, naming the attribute.
pub(super) fn to_desired_group(body: &Value) -> Result<DesiredGroup, Error> {
    let resource = read(body, group_type())?;
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
        members,
    })
}

/// The change that a PATCH makes of a group that was `before`.
///
/// # Errors
/// `invalidValue`, naming the attribute.
pub(super) fn edit_of(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    members: &MemberChanges,
) -> Result<GroupEdit, Error> {
    let changed = |name: &str| before.get(name) != after.get(name);
    let remove = members.remove.iter().filter_map(|id| id.parse::<Uuid>().ok());
    Ok(GroupEdit {
        name: changed("displayName").then(|| name_of(after)).transpose()?,
        external_id: changed("externalId").then(|| external_id_of(after)),
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

/// The resource of a group without its members. `base` is the URL of `/scim/v2`.
pub(super) fn to_attributes(group: &Group, base: &str) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    put("schemas", json!([CORE_GROUP]));
    put("id", group.id.to_string().into());
    if let Some(external_id) = &group.external_id {
        put("externalId", external_id.as_str().into());
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
    resource
}

/// The URL of a group's resource.
pub(super) fn location(group: &Group, base: &str) -> String {
    format!("{base}/Groups/{}", group.id)
}

//! Events of `users` about groups.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GroupId, event_data};

/// A group, whole, at one version. Its members are not in it: membership is in the state of the member, `group_ids` of a
/// user and `parents` of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupState {
    /// The group.
    pub id: GroupId,
    /// The name; unique without regard to case.
    pub display_name: String,
    /// The identifier that administrators gave, or a client before each had its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The identifiers that provisioning clients use (`externalId`, RFC 7643 §3.1), by the id of the client.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external_ids: BTreeMap<String, String>,
    /// Attributes of SCIM extensions that the configuration of the user service defines for groups: an object for each, by its URN. At
    /// most 4 KiB as JSON.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
    /// The ids of the groups that this group is a direct member of. The id of a deleted group may stay for a while, and
    /// means nothing.
    #[serde(default)]
    pub parents: Vec<GroupId>,
    /// Rises by one with every change of the name, the external identifiers, the attributes and the parents.
    pub version: i64,
    /// The time at which the group was added.
    pub created_at: Timestamp,
    /// The time at which this version was made.
    pub updated_at: Timestamp,
}

event_data! {
    /// `vestibule.group.created.v1`: a group was added.
    GroupCreated(GroupState) = "vestibule.group.created.v1", 1;
    /// `vestibule.group.updated.v1`: the name, an external identifier, the attributes or the parents of a group changed.
    GroupUpdated(GroupState) = "vestibule.group.updated.v1", 1;
}

/// `vestibule.group.deleted.v1`: a group is gone. Its id is never used again, and means nothing in the states of its members,
/// from which it disappears afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDeleted {
    /// The id of the group.
    pub id: GroupId,
    /// The last version.
    pub version: i64,
    /// The time of the deletion.
    pub deleted_at: Timestamp,
}
event_data!(impl GroupDeleted = "vestibule.group.deleted.v1", 1);

/// The group whose members administer, `vestibule-admins`: it is there from the start, and cannot be renamed or deleted.
pub const ADMINISTRATORS_ID: GroupId = GroupId::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// The most levels of groups above a member: a group that is in no other has none. The user service makes no more, and who
/// resolves the groups of a user need not look further.
pub const MAX_GROUP_LEVELS: i64 = 10;

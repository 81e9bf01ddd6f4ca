//! Events of `users` about users.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{EmailAddress, GroupId, UserId, UserName, event_data};

/// The parts of a person's name (SCIM, RFC 7643 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonName {
    /// As in "Ann".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// As in "Archer".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The whole name as the person writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The names between the given and the family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// As in "Dr.".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// As in "III".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
}

/// One e-mail address of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Email {
    /// The address.
    pub value: EmailAddress,
    /// The kind of the address: `work`, `home` …
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// True if it is the address to write to. At most one is.
    #[serde(default)]
    pub primary: bool,
    /// True if the person has shown that it is theirs.
    #[serde(default)]
    pub verified: bool,
}

/// A person, whole, at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserState {
    /// The person.
    pub id: UserId,
    /// The name that the person signs in with; unique without regard to case.
    pub user_name: UserName,
    /// The parts of the name.
    #[serde(default)]
    pub name: PersonName,
    /// The e-mail addresses.
    #[serde(default)]
    pub emails: Vec<Email>,
    /// The language: a BCP 47 tag such as `fr-CH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone: a name such as `Europe/Paris`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// True if the person may sign in.
    pub active: bool,
    /// The attributes that the installation adds.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// The names of the groups that the person is a direct member of. Deprecated: a name is out of date for a while after a
    /// group was renamed. `group_ids` takes its place.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The ids of the groups that the person is a direct member of, in order. The id of a deleted group may stay for a while,
    /// and means nothing. Left out by releases that have names only, and for a person whom none of the later ones has
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_ids: Option<Vec<GroupId>>,
    /// The identifiers that provisioning clients use (`externalId`, RFC 7643 §3.1), by the id of the client.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external_ids: BTreeMap<String, String>,
    /// The id of the last credential that came with a change over SCIM. The authentication service has the credential, and makes
    /// it the one of the account when it reads a state that names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<Uuid>,
    /// The time at which the person was deleted. The person can be restored until the grace period is over, and is erased then.
    /// Left out for everybody who is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Rises by one with every change.
    pub version: i64,
    /// The time at which the person was added.
    pub created_at: Timestamp,
    /// The time at which this version was made.
    pub updated_at: Timestamp,
}

event_data! {
    /// `vestibule.user.created.v1`: a person was added.
    UserCreated(UserState) = "vestibule.user.created.v1", 1;
    /// `vestibule.user.updated.v1`: something about a person changed.
    UserUpdated(UserState) = "vestibule.user.updated.v1", 1;
    /// `vestibule.user.deactivated.v1`: a person may no longer sign in; with `deleted_at`, because they were deleted.
    UserDeactivated(UserState) = "vestibule.user.deactivated.v1", 1;
    /// `vestibule.user.reactivated.v1`: a person may sign in again, or was restored after a deletion.
    UserReactivated(UserState) = "vestibule.user.reactivated.v1", 1;
}

/// `vestibule.user.deleted.v1`: a person was erased; nothing but the id remains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserDeleted {
    /// The id of the person.
    pub id: UserId,
    /// The last version.
    pub version: i64,
    /// The time of the deletion.
    pub deleted_at: Timestamp,
}
event_data!(impl UserDeleted = "vestibule.user.deleted.v1", 1);

/// The reason why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// Somebody has this user name, or one that looks like it.
    UserNameTaken,
    /// The user name is kept for administrators, or is that of a group.
    UserNameReserved,
    /// The data cannot make a person.
    Invalid,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// `vestibule.registration.rejected.v1`: the answer to a registration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationRejected {
    /// The id that the registration proposed for the person.
    pub id: UserId,
    /// The reason.
    pub reason: RejectionReason,
    /// The version of the answer.
    pub version: i64,
}
event_data!(impl RegistrationRejected = "vestibule.registration.rejected.v1", 1);

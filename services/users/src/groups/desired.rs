//! The desired state of a group, and changes of one, as a caller sends them.

use uuid::Uuid;

use super::{AttributesEdit, GroupName};
use crate::users::Writer;

/// The kind of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// A member as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberRef {
    /// The id of a user or a group.
    pub(crate) id: Uuid,
    /// The kind; without it the id decides.
    pub(crate) kind: Option<MemberKind>,
}

/// Everything that a directory client may say of a group.
#[derive(Clone, Debug)]
pub(crate) struct DesiredGroup {
    pub(crate) name: GroupName,
    pub(crate) external_id: Option<String>,
    /// The caller, whose client the identifier is of (RFC 7643 §3.1).
    pub(crate) writer: Writer,
    /// The members; `None`: nothing is said of them.
    pub(crate) members: Option<Vec<MemberRef>>,
    /// The attributes of extensions.
    pub(crate) attributes: AttributesEdit,
}

/// A change of the members.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemberEdit {
    /// Members to be added; those who are in the group stay.
    pub(crate) add: Vec<MemberRef>,
    /// Ids to be removed; those who are not in the group are passed over.
    pub(crate) remove: Vec<Uuid>,
    /// True if everybody who is not in `add` is removed.
    pub(crate) replace: bool,
}

/// A change of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupEdit {
    /// The new name.
    pub(crate) name: Option<GroupName>,
    /// The new external identifier, or none.
    pub(crate) external_id: Option<Option<String>>,
    /// The client whose identifier it is; `None` for a person.
    pub(crate) client: Option<String>,
    /// The change of the members.
    pub(crate) members: MemberEdit,
    /// The change of the attributes of extensions.
    pub(crate) attributes: Option<AttributesEdit>,
}

impl From<DesiredGroup> for GroupEdit {
    fn from(desired: DesiredGroup) -> Self {
        let replace = desired.members.is_some();
        Self {
            name: Some(desired.name),
            external_id: Some(desired.external_id),
            client: desired.writer.client,
            attributes: Some(desired.attributes),
            members: MemberEdit {
                add: desired.members.unwrap_or_default(),
                remove: Vec::new(),
                replace,
            },
        }
    }
}

//! PATCH (RFC 7644 §3.5.2), with every form that Microsoft Entra ID and Okta send.
//!
//! The standard leaves these choices open, or provisioning clients differ from it:
//!
//! - `op` is read in any case, and truth values as text (`"False"`).
//! - In a value without a path, a name may be a path: `name.givenName`, `urn:…:User:department`, `emails[type eq "work"].value`.
//! - A list of one is the value of a single-valued attribute, and a text is the `value` of a complex one.
//! - `add` to a value path that selects nothing creates the value, with what the filter's `eq` demand. The standard does not say so.
//! - `replace` of a sub-attribute of a value path that selects nothing does the same, because Entra ID sends it for an attribute
//!   that it sets for the first time. `replace` of the value itself is answered with `noTarget`, as §3.5.2.3 demands, and so are
//!   both with a filter of anything but `eq` and `and`.
//! - `remove` of what is not there succeeds and changes nothing, so that a client can repeat it.
//! - `remove` with a value removes those values of a multi-valued attribute that have all that is given.
//! - `remove` of a sub-attribute `value` that is required removes the values that would be left without it, because Entra ID clears
//!   an e-mail address so.
//! - Read-only attributes are refused with `mutability`, unless they are sent back with the value that they have. `meta` in a
//!   value without a path is ignored, and so is `schemas` anywhere: the attributes of a resource say which schemas it has.

mod apply;
mod edit;
mod list;
mod members;
mod operations;
mod password;
mod values;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::Error;
use crate::schema::{Accessor, ResourceType};

use apply::Patch;
pub use members::{Member, MemberChanges};
pub(crate) use operations::json_member;
pub use operations::{MAX_OPERATIONS, Operation, OperationKind, PATCH_URN, parse, parse_of_bulk};
pub use password::PasswordChange;

/// The effect of a PATCH.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has the changes of the password and of the members, which are not in the resource"]
pub struct Outcome {
    /// True if an attribute of the resource has another value than before. The password and the members do not count.
    pub changed: bool,
    /// The change of the password, which is never part of the resource.
    pub password: Option<PasswordChange>,
    /// The changes of members, which are stored apart from the resource. Whether they change anything is known to the store.
    pub members: MemberChanges,
}

/// Applies operations to `resource`, which has canonical names, no members and no password. Either all are applied, or the resource
/// stays as it is. `schemas` is left as it is.
///
/// The value filters of the paths may name any attribute: see [`apply_as`].
///
/// # Errors
/// `invalidPath`, `invalidFilter`, `noTarget`, `mutability`, `invalidSyntax` and `invalidValue`, naming the operation.
pub fn apply(
    resource: &mut Map<String, Value>,
    operations: &[Operation],
    resource_type: &ResourceType,
) -> Result<Outcome, Error> {
    Patch::new(resource, resource_type, None).apply_to(resource, operations)
}

/// Applies operations as [`apply`] does, for `accessor`: a value filter in a path is refused if it names an attribute that `accessor`
/// may not read, since the answer would tell the value. Which attributes it may write is for
/// [`ResourceType::check_writes`](crate::schema::ResourceType::check_writes).
///
/// # Errors
/// As [`apply`]; `invalidFilter` for such a filter.
pub fn apply_as(
    accessor: Accessor,
    resource: &mut Map<String, Value>,
    operations: &[Operation],
    resource_type: &ResourceType,
) -> Result<Outcome, Error> {
    Patch::new(resource, resource_type, Some(accessor)).apply_to(resource, operations)
}

/// `add` or `replace`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Add,
    Replace,
}

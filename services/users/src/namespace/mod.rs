//! The namespace that the names of users and groups share: nobody has a name that somebody else, or a group, has.

mod store;

pub(crate) use store::{is_group_name, is_user_name, lock};

/// The name of the group whose members administer, there from the first migration on.
pub(crate) const ADMINISTRATORS: &str = "vestibule-admins";

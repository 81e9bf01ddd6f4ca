//! Groups: what registration and a person's record need of them.

pub(crate) mod store;

/// The group whose members administer, there from the first migration on.
pub(crate) const ADMINISTRATORS: &str = "vestibule-admins";

//! The decision what a user should be at a target.

use crate::directory::DirectoryUser;
use crate::rules::{Deleted, OutOfScope, Rules};

/// The state that a user should have at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An account with the attributes of the user; without `create` only if there is one.
    Present { create: bool },
    /// If there is an account, it is inactive.
    Inactive,
    /// No account.
    Absent,
}

/// Decides what a user should be at a target. `in_scope`: the user is among those who are pushed.
pub(crate) fn plan(user: Option<&DirectoryUser>, in_scope: bool, rules: &Rules) -> Wanted {
    match user {
        None => match rules.when_deleted {
            Deleted::Delete => Wanted::Absent,
            Deleted::Deactivate => Wanted::Inactive,
        },
        // The deletion can still be undone.
        Some(user) if user.deleted => Wanted::Inactive,
        Some(user) if in_scope => Wanted::Present { create: user.active },
        Some(_) => match rules.when_out_of_scope {
            OutOfScope::Deactivate => Wanted::Inactive,
            OutOfScope::Delete => Wanted::Absent,
        },
    }
}

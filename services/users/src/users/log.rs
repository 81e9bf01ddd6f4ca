//! The log lines of changes of users, written once a change is committed.

use contract::{UserId, UserState};

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The user may sign in again.
    Reactivated,
    /// The user may not sign in any more.
    Deactivated,
    /// Anything else.
    Changed,
}

impl Change {
    pub(super) fn of(old: &UserState, new: &UserState) -> Self {
        match (old.active, new.active) {
            (false, true) => Self::Reactivated,
            (true, false) => Self::Deactivated,
            _ => Self::Changed,
        }
    }

    /// Logs the change of a user.
    pub(crate) fn log(self, id: UserId) {
        let what = match self {
            Self::Reactivated => "reactivated",
            Self::Deactivated => "deactivated",
            Self::Changed => "changed",
        };
        tracing::info!(event.action = "user-changed", event.outcome = "success", event.reason = what, user.target.id = %id, "a user was {what}");
    }
}

/// Logs the creation of a user.
pub(crate) fn log_created(id: UserId) {
    tracing::info!(event.action = "user-created", event.outcome = "success", user.target.id = %id, "a user was created");
}

/// Logs the deletion of a user.
pub(crate) fn log_deleted(id: UserId) {
    tracing::info!(event.action = "user-deleted", event.outcome = "success", user.target.id = %id, "a user was deleted");
}

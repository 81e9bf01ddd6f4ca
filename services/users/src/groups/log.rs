//! The log lines of changes of groups, written once a change is committed.

use contract::GroupId;

/// Logs the creation of a group.
pub(crate) fn log_created(id: GroupId) {
    tracing::info!(event.action = "group-created", event.outcome = "success", group.id = %id, "a group was created");
}

/// Logs the change of a group.
pub(crate) fn log_changed(id: GroupId) {
    tracing::info!(event.action = "group-changed", event.outcome = "success", group.id = %id, "a group was changed");
}

/// Logs the deletion of a group.
pub(crate) fn log_deleted(id: GroupId) {
    tracing::info!(event.action = "group-deleted", event.outcome = "success", group.id = %id, "a group was deleted");
}

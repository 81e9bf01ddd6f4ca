//! The log lines of delegations: to whom and over what, for the time when the row is gone (SB-52). They have no filter, because it may
//! have personal data.

use tracing::field::display;

use super::Delegation;

/// Logs the creation of a delegation.
pub(super) fn created(created: &Delegation) {
    let (to_user, to_group) = (created.to_user.map(display), created.to_group.map(display));
    let (of, extent) = (created.members_of.map(display), extent(created));
    tracing::info!(event.action = "delegation-created", event.outcome = "success", delegation.id = %created.id, user.target.id = to_user, delegation.to_group.id = to_group, delegation.extent = extent, delegation.members_of.id = of, delegation.rights = %created.rights, "administration was delegated");
}

/// Logs the deletion of a delegation.
pub(super) fn deleted(deleted: &Delegation) {
    let (to_user, to_group) = (deleted.to_user.map(display), deleted.to_group.map(display));
    let (of, extent) = (deleted.members_of.map(display), extent(deleted));
    tracing::info!(event.action = "delegation-deleted", event.outcome = "success", delegation.id = %deleted.id, user.target.id = to_user, delegation.to_group.id = to_group, delegation.extent = extent, delegation.members_of.id = of, delegation.rights = %deleted.rights, "a delegation was deleted");
}

fn extent(delegation: &Delegation) -> &'static str {
    match delegation.members_of {
        Some(_) => "members_of",
        None => "users_matching",
    }
}

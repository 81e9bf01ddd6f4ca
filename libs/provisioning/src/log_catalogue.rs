//! The actions and fields in the log lines of outbound provisioning, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::{Action, LogField};

/// The values of `event.action`.
pub(crate) const ACTIONS: &[Action] = &[
    Action::audit(
        "provisioning-target-created",
        "configuration",
        &["creation"],
        "A provisioning target was created.",
    ),
    Action::audit(
        "provisioning-target-changed",
        "configuration",
        &["change"],
        "A provisioning target was changed.",
    ),
    Action::audit(
        "provisioning-target-deleted",
        "configuration",
        &["deletion"],
        "A provisioning target was deleted.",
    ),
    Action::audit(
        "provisioning-synced",
        "configuration",
        &["info"],
        "An administrator had everything pushed to a target that differs.",
    ),
    Action::audit(
        "provisioning-retried",
        "configuration",
        &["info"],
        "An administrator had pushes retried.",
    ),
    Action::audit(
        "provisioning-checked",
        "configuration",
        &["info"],
        "An administrator had a target compared with the directory.",
    ),
    Action::operation(
        "provisioning-dead-lettered",
        &["error"],
        "A user or group was given up for a target; it can be retried.",
    ),
    Action::operation(
        "provisioning-target-paused",
        &["error"],
        "A target is paused, since it refuses the credentials.",
    ),
];

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
    LogField::keyword("vestibule.provisioning.target.id", "The provisioning target."),
    LogField::keyword(
        "vestibule.provisioning.resource.id",
        "The id of the user or group that is pushed. A pseudonym.",
    ),
    LogField::keyword(
        "vestibule.provisioning.key",
        "The name of the key that the credentials of a target are encrypted under.",
    ),
];

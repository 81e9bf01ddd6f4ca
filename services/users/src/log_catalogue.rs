//! The actions and fields in the log lines of the user service, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::{Action, LogField};

/// The values of `event.action`.
pub(crate) const ACTIONS: &[Action] = &[
    Action::audit(
        "registration-accepted",
        "iam",
        &["info", "user"],
        "The user service has taken up a registration.",
    ),
    Action::audit(
        "user-created",
        "iam",
        &["creation", "user"],
        "A person was added in the user service.",
    ),
    Action::audit(
        "user-changed",
        "iam",
        &["change", "user"],
        "A person was changed.",
    ),
    Action::audit(
        "user-deleted",
        "iam",
        &["deletion", "user"],
        "A person was deleted.",
    ),
    Action::audit(
        "group-created",
        "iam",
        &["creation", "group"],
        "A group was added in the user service.",
    ),
    Action::audit(
        "group-changed",
        "iam",
        &["change", "group"],
        "A group or its members were changed.",
    ),
    Action::audit(
        "group-deleted",
        "iam",
        &["deletion", "group"],
        "A group was deleted.",
    ),
];

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
    LogField::keyword("group.id", "The id of the group to which it is done."),
    LogField::keyword(
        "user.id",
        "The id of the person or the client who acts. A pseudonym.",
    ),
    LogField::keyword(
        "user.target.id",
        "The id of the person to whom it is done. A pseudonym.",
    ),
    LogField::keyword(
        "vestibule.actor.client.id",
        "The application whose access token the request had; with `user.id` the same, it acted for itself.",
    ),
];

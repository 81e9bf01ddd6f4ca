//! Values of `event.action`: the list that dashboards and alerts are built on.

/// A documented value of `event.action`.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// `event.action`.
    pub name: &'static str,
    /// `event.category`. `None` for actions that are not about users and their rights.
    pub category: Option<&'static str>,
    /// `event.type`.
    pub types: &'static [&'static str],
    /// What it means.
    pub about: &'static str,
}

const fn audit(
    name: &'static str,
    category: &'static str,
    types: &'static [&'static str],
    about: &'static str,
) -> Action {
    Action {
        name,
        category: Some(category),
        types,
        about,
    }
}

const fn flow(name: &'static str, kind: &'static [&'static str], about: &'static str) -> Action {
    Action {
        name,
        category: None,
        types: kind,
        about,
    }
}

const INFO: &[&str] = &["info"];
const ERROR: &[&str] = &["error"];

/// Every action: first those of users and administrators, then those of events between the services.
pub const ACTIONS: [Action; 37] = [
    audit(
        "sign-in",
        "authentication",
        &["start"],
        "Somebody tried to sign in with a password; `event.reason` says how it came out.",
    ),
    audit("sign-out", "authentication", &["end"], "Somebody signed out."),
    audit(
        "registration",
        "iam",
        &["creation", "user"],
        "A person registered, or was refused.",
    ),
    audit(
        "registration-accepted",
        "iam",
        &["info", "user"],
        "The user service has taken up a registration.",
    ),
    audit(
        "account-created",
        "iam",
        &["admin", "creation", "user"],
        "An administrator made an account.",
    ),
    audit(
        "administrator-created",
        "iam",
        &["admin", "creation", "user"],
        "The set-up link made the first administrator.",
    ),
    audit(
        "password-chosen",
        "iam",
        &["change", "user"],
        "A person chose a password with a link.",
    ),
    audit(
        "link-issued",
        "iam",
        &["admin", "info", "user"],
        "An administrator made a link with which a person chooses a password.",
    ),
    audit(
        "sessions-revoked",
        "session",
        &["end"],
        "An administrator ended the sessions of a person.",
    ),
    audit(
        "token-reuse",
        "intrusion_detection",
        &["denied"],
        "A code or a refresh token came a second time; what it gave is revoked.",
    ),
    audit(
        "client-created",
        "configuration",
        &["creation"],
        "An administrator registered an application.",
    ),
    audit(
        "client-deleted",
        "configuration",
        &["deletion"],
        "An administrator removed an application.",
    ),
    audit(
        "keys-rotated",
        "configuration",
        &["change"],
        "An administrator had the signing keys changed.",
    ),
    audit(
        "set-up",
        "configuration",
        &["info"],
        "Nobody administers yet; a link to make the first administrator was issued.",
    ),
    audit(
        "user-created",
        "iam",
        &["creation", "user"],
        "A person was added in the user service.",
    ),
    audit(
        "user-changed",
        "iam",
        &["change", "user"],
        "A person was changed.",
    ),
    audit(
        "user-deleted",
        "iam",
        &["deletion", "user"],
        "A person was deleted.",
    ),
    audit(
        "user-suspended",
        "iam",
        &["change", "user"],
        "After a restoration, a person cannot sign in of whom the user service knows something that could not be taken over.",
    ),
    audit(
        "webhook-created",
        "configuration",
        &["creation"],
        "A webhook was made.",
    ),
    audit(
        "webhook-changed",
        "configuration",
        &["change"],
        "A webhook was changed.",
    ),
    audit(
        "webhook-deleted",
        "configuration",
        &["deletion"],
        "A webhook was removed.",
    ),
    audit(
        "webhook-secret-changed",
        "configuration",
        &["change"],
        "A webhook has a new secret.",
    ),
    audit(
        "webhook-tested",
        "configuration",
        &["info"],
        "An administrator had an event that says nothing sent to a webhook.",
    ),
    audit(
        "webhook-replayed",
        "configuration",
        &["info"],
        "An administrator had events delivered to a webhook again.",
    ),
    audit(
        "events-replayed",
        "configuration",
        &["info"],
        "An administrator had events published or applied again.",
    ),
    audit(
        "reconciliation-requested",
        "configuration",
        &["info"],
        "An administrator had the services compared, and what differs put right.",
    ),
    flow(
        "event-published",
        INFO,
        "An event was handed to the transport (level debug).",
    ),
    flow(
        "event-applied",
        INFO,
        "An event was applied by a consumer (level debug).",
    ),
    flow(
        "event-parked",
        ERROR,
        "An event cannot be applied; it is tried again later.",
    ),
    flow(
        "event-dead-lettered",
        ERROR,
        "An event was given up; it can be replayed.",
    ),
    flow("event-unreadable", ERROR, "A message is no event."),
    flow("events-missing", ERROR, "Events are missing in the feed."),
    flow(
        "events-pruned",
        ERROR,
        "Events were deleted before they were read.",
    ),
    flow(
        "drift-found",
        ERROR,
        "The services differ, and it could not be repaired.",
    ),
    flow(
        "drift-repaired",
        INFO,
        "The services differed, and it was repaired.",
    ),
    flow(
        "delivery-dead-lettered",
        ERROR,
        "An event was given up for a webhook; it can be replayed.",
    ),
    flow(
        "webhook-disabled",
        ERROR,
        "A webhook is disabled, since its receiver is gone.",
    ),
];

/// The action called `name`.
pub(super) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

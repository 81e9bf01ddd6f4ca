//! The actions and fields in the log lines of the authentication service, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::{Action, LogField};

/// The values of `event.action`.
pub(crate) const ACTIONS: &[Action] = &[
    Action::audit(
        "sign-in",
        "authentication",
        &["start"],
        "Somebody tried to sign in with a password; `event.reason` says how it came out.",
    ),
    Action::audit("sign-out", "authentication", &["end"], "Somebody signed out."),
    Action::audit(
        "registration",
        "iam",
        &["creation", "user"],
        "A person registered, or was refused.",
    ),
    Action::audit(
        "account-created",
        "iam",
        &["admin", "creation", "user"],
        "An administrator made an account.",
    ),
    Action::audit(
        "administrator-created",
        "iam",
        &["admin", "creation", "user"],
        "The set-up link made the first administrator.",
    ),
    Action::audit(
        "password-chosen",
        "iam",
        &["change", "user"],
        "A person chose a password with a link.",
    ),
    Action::audit(
        "link-issued",
        "iam",
        &["admin", "info", "user"],
        "An administrator made a link with which a person chooses a password.",
    ),
    Action::audit(
        "sessions-revoked",
        "session",
        &["end"],
        "An administrator ended the sessions of a person.",
    ),
    Action::audit(
        "credential-imported",
        "iam",
        &["admin", "change", "user"],
        "An administrator imported the password hash of a person.",
    ),
    Action::audit(
        "credentials-imported",
        "iam",
        &["admin", "change", "user"],
        "An administrator imported password hashes of many people; an event `credential.added` names each.",
    ),
    Action::audit(
        "token-reuse",
        "intrusion_detection",
        &["denied"],
        "A code or a refresh token came a second time; what it gave is revoked.",
    ),
    Action::audit(
        "client-created",
        "configuration",
        &["creation"],
        "An administrator registered an application.",
    ),
    Action::audit(
        "client-deleted",
        "configuration",
        &["deletion"],
        "An administrator removed an application.",
    ),
    Action::audit(
        "keys-rotated",
        "configuration",
        &["change"],
        "An administrator had the signing keys changed.",
    ),
    Action::audit(
        "set-up",
        "configuration",
        &["info"],
        "Nobody administers yet; a link to make the first administrator was issued.",
    ),
    Action::audit(
        "user-suspended",
        "iam",
        &["change", "user"],
        "After a restoration, a person cannot sign in of whom the user service knows something that could not be taken over.",
    ),
];

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
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
    LogField::keyword("vestibule.brand", "The name of the brand."),
    LogField::keyword("vestibule.client.id", "The application."),
    LogField::long("vestibule.credential.count", "The number of password hashes."),
    LogField::long("vestibule.session.count", "How many sessions."),
    LogField::keyword(
        "vestibule.setup.url",
        "The link that makes the first administrator.",
    ),
];

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
        "password-provisioned",
        "iam",
        &["change", "user"],
        "A password that came with a change of a user over SCIM became the one of the account.",
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
        "credentials-exported",
        "iam",
        &["admin", "info", "user"],
        "An administrator exported a page of encrypted password hashes, or was refused it because the configuration names no recipient.",
    ),
    Action::audit(
        "personal-data-exported",
        "iam",
        &["admin", "info", "user"],
        "An administrator exported what is known of one person.",
    ),
    Action::audit(
        "token-reuse",
        "intrusion_detection",
        &["denied"],
        "A code or a refresh token came a second time; what it gave is revoked.",
    ),
    Action::audit(
        "token-exchange",
        "authentication",
        &["start"],
        "An application exchanged the access token of a person for one with which it acts for them.",
    ),
    Action::audit(
        "device-authorization",
        "authentication",
        &["info"],
        "A person allowed or denied a device access.",
    ),
    Action::audit(
        "client-token-revoked",
        "authentication",
        &["end"],
        "An application revoked an access token that it had for itself.",
    ),
    Action::audit(
        "consent-granted",
        "iam",
        &["change", "user"],
        "A person allowed an application access.",
    ),
    Action::audit(
        "consent-withdrawn",
        "iam",
        &["change", "user"],
        "A person, or an administrator for them, withdrew the access of an application.",
    ),
    Action::audit(
        "role-assigned",
        "iam",
        &["change", "user"],
        "An administrator gave a person a role at a client.",
    ),
    Action::audit(
        "role-withdrawn",
        "iam",
        &["change", "user"],
        "An administrator took a role at a client from a person.",
    ),
    Action::audit(
        "client-created",
        "configuration",
        &["creation"],
        "An administrator registered an application.",
    ),
    Action::audit(
        "client-assertion-reused",
        "authentication",
        &["start"],
        "An application was refused because its assertion had been used before.",
    ),
    Action::audit(
        "client-registered",
        "configuration",
        &["creation"],
        "An application registered itself, or was refused; `event.reason` says why.",
    ),
    Action::audit(
        "initial-access-token-created",
        "configuration",
        &["creation"],
        "An administrator made a token with which applications register themselves.",
    ),
    Action::audit(
        "initial-access-token-deleted",
        "configuration",
        &["deletion"],
        "An administrator deleted a token with which applications register themselves.",
    ),
    Action::audit(
        "client-updated",
        "configuration",
        &["change"],
        "An administrator changed an application, or it changed its registration.",
    ),
    Action::audit(
        "client-secret-created",
        "configuration",
        &["creation"],
        "An administrator made a secret of an application.",
    ),
    Action::audit(
        "client-secret-deleted",
        "configuration",
        &["deletion"],
        "An administrator deleted a secret of an application.",
    ),
    Action::audit(
        "client-deleted",
        "configuration",
        &["deletion"],
        "An administrator removed an application, or it deleted its registration.",
    ),
    Action::audit(
        "client-adopted",
        "configuration",
        &["change"],
        "A declarative file took an application over that another file managed, or none, and may have changed it.",
    ),
    Action::audit(
        "client-released",
        "configuration",
        &["change"],
        "A declarative file gave up an application that it had taken over. It stays as it is.",
    ),
    Action::audit(
        "host-sign-in",
        "authentication",
        &["start"],
        "A person who is signed in came to a protected host, and has a session there.",
    ),
    Action::audit(
        "forward-auth-refused",
        "network",
        &["denied"],
        "A question of a proxy was refused: the sender is not trusted, the host is not registered, or the headers or the path cannot be read. A line a minute of each kind.",
    ),
    Action::audit(
        "protected-host-created",
        "configuration",
        &["creation"],
        "An administrator registered a protected host.",
    ),
    Action::audit(
        "protected-host-changed",
        "configuration",
        &["change"],
        "An administrator changed the name or the rules of a protected host.",
    ),
    Action::audit(
        "protected-host-deleted",
        "configuration",
        &["deletion"],
        "An administrator deleted a protected host; the sessions there ended.",
    ),
    Action::audit(
        "protected-host-adopted",
        "configuration",
        &["change"],
        "A declarative file took a protected host over that another file managed, or none, and may have changed it.",
    ),
    Action::audit(
        "protected-host-released",
        "configuration",
        &["change"],
        "A declarative file gave up a protected host that it had taken over. It stays as it is.",
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
    LogField::keyword("vestibule.client.secret.id", "The secret of an application."),
    LogField::long("vestibule.credential.count", "The number of password hashes."),
    LogField::keyword(
        "vestibule.declarative_file.former_name",
        "The declarative file that managed an application or a protected host before.",
    ),
    LogField::keyword(
        "vestibule.declarative_file.name",
        "The declarative file that made, changed, took over, gave up or deleted it.",
    ),
    LogField::keyword(
        "vestibule.initial_token.id",
        "The initial access token with which an application registered itself.",
    ),
    LogField::keyword("vestibule.protected_host.name", "The origin of a protected host."),
    LogField::long("vestibule.session.count", "How many sessions."),
    LogField::keyword(
        "vestibule.setup.url",
        "The link that makes the first administrator.",
    ),
];

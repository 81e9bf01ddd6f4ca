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
        "personal-data-exported",
        "iam",
        &["admin", "info", "user"],
        "An administrator exported what is known of one person.",
    ),
    Action::audit(
        "directory-exported",
        "iam",
        &["admin", "info"],
        "An administrator exported a page of the users or the groups, with all attributes.",
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
        "user-restored",
        "iam",
        &["creation", "user"],
        "A deleted person was restored.",
    ),
    Action::audit(
        "user-erased",
        "iam",
        &["deletion", "user"],
        "A deleted person was erased, after the grace period or because an administrator asked for it.",
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
    Action::audit(
        "provisioning-client-created",
        "configuration",
        &["creation"],
        "A provisioning client was created, with its first token.",
    ),
    Action::audit(
        "provisioning-client-changed",
        "configuration",
        &["change"],
        "The name, the scopes or the networks of a provisioning client were changed.",
    ),
    Action::audit(
        "provisioning-client-deleted",
        "configuration",
        &["deletion"],
        "A provisioning client was deleted, and its tokens with it.",
    ),
    Action::audit(
        "provisioning-token-issued",
        "configuration",
        &["creation"],
        "A provisioning client was given another token.",
    ),
    Action::audit(
        "provisioning-token-revoked",
        "configuration",
        &["deletion"],
        "A token of a provisioning client was revoked.",
    ),
    Action::audit(
        "provisioning-token-rejected",
        "authentication",
        &["info"],
        "A provisioning token was used from an address that its client does not call from.",
    ),
    Action::audit(
        "delegation-created",
        "iam",
        &["admin", "creation"],
        "The administration of some users was delegated.",
    ),
    Action::audit(
        "delegation-deleted",
        "iam",
        &["admin", "deletion"],
        "A delegation was deleted.",
    ),
    Action::operation(
        "provisioning-token-expires",
        &["info"],
        "The last token of a provisioning client expires soon.",
    ),
    Action::operation(
        "provisioning-token-expired",
        &["error"],
        "The last token of a provisioning client has expired.",
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
        "vestibule.delegation.extent",
        "`members_of` for a delegation over the members of a group, `users_matching` for one by a filter.",
    ),
    LogField::keyword("vestibule.delegation.id", "The delegation."),
    LogField::keyword(
        "vestibule.delegation.members_of.id",
        "The group over whose members the delegation is.",
    ),
    LogField::keyword(
        "vestibule.delegation.rights",
        "The rights that the delegation gives, separated by spaces.",
    ),
    LogField::keyword(
        "vestibule.delegation.to_group.id",
        "The group to whose members the delegation is given.",
    ),
    LogField::long(
        "vestibule.export.count",
        "The number of users or groups in an exported page.",
    ),
    LogField::keyword("vestibule.provisioning_client.id", "The provisioning client."),
    LogField::keyword(
        "vestibule.provisioning_token.id",
        "The token of a provisioning client, by its id, which is no secret.",
    ),
    LogField::keyword(
        "vestibule.actor.client.id",
        "The application whose access token the request had; with `user.id` the same, it acted for itself.",
    ),
];

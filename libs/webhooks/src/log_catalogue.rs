//! The actions and fields in the log lines of the webhooks, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::{Action, LogField};

/// The values of `event.action`.
pub(crate) const ACTIONS: &[Action] = &[
    Action::audit(
        "webhook-created",
        "configuration",
        &["creation"],
        "A webhook was made.",
    ),
    Action::audit(
        "webhook-changed",
        "configuration",
        &["change"],
        "A webhook was changed.",
    ),
    Action::audit(
        "webhook-deleted",
        "configuration",
        &["deletion"],
        "A webhook was removed.",
    ),
    Action::audit(
        "webhook-secret-changed",
        "configuration",
        &["change"],
        "A webhook has a new secret.",
    ),
    Action::audit(
        "webhook-tested",
        "configuration",
        &["info"],
        "An administrator had an event that says nothing sent to a webhook.",
    ),
    Action::audit(
        "webhook-replayed",
        "configuration",
        &["info"],
        "An administrator had events delivered to a webhook again.",
    ),
    Action::operation(
        "delivery-dead-lettered",
        &["error"],
        "An event was given up for a webhook; it can be replayed.",
    ),
    Action::operation(
        "webhook-disabled",
        &["error"],
        "A webhook is disabled, since its receiver is gone.",
    ),
];

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
    LogField::keyword("vestibule.webhook.id", "The webhook."),
    LogField::keyword(
        "vestibule.webhook.key",
        "The name of the key that its secret is encrypted under.",
    ),
    LogField::long("vestibule.webhook.version", "The version of the webhook."),
];

//! The actions and fields in the log lines of the outbox, the relay, the inbox and the reconciler, as data.
//! `docs/reference/logs.md` is made from them.

use chassis::telemetry::{Action, LogField};

/// The values of `event.action`.
pub(crate) const ACTIONS: &[Action] = &[
    Action::audit(
        "events-replayed",
        "configuration",
        &["info"],
        "An administrator had events published or applied again.",
    ),
    Action::audit(
        "reconciliation-requested",
        "configuration",
        &["info"],
        "An administrator had the services compared, and what differs put right.",
    ),
    Action::operation(
        "event-published",
        &["info"],
        "An event was handed to the transport (level debug).",
    ),
    Action::operation(
        "event-applied",
        &["info"],
        "An event was applied by a consumer (level debug).",
    ),
    Action::operation(
        "event-parked",
        &["error"],
        "An event cannot be applied; it is tried again later.",
    ),
    Action::operation(
        "event-dead-lettered",
        &["error"],
        "An event was given up; it can be replayed.",
    ),
    Action::operation("event-unreadable", &["error"], "A message is no event."),
    Action::operation("events-missing", &["error"], "Events are missing in the feed."),
    Action::operation(
        "events-pruned",
        &["error"],
        "Events were deleted before they were read.",
    ),
    Action::operation(
        "drift-found",
        &["error"],
        "The services differ, and it could not be repaired.",
    ),
    Action::operation(
        "drift-repaired",
        &["info"],
        "The services differed, and it was repaired.",
    ),
];

/// The documented fields.
pub(crate) const FIELDS: &[LogField] = &[
    LogField::keyword("event.id", "The id of an event between the services."),
    LogField::keyword("vestibule.aggregate", "Whose state it is about."),
    LogField::long("vestibule.count", "How many."),
    LogField::keyword("vestibule.drift", "What kind of difference."),
    LogField::long("vestibule.event.number", "The number of an event in the outbox."),
    LogField::keyword(
        "vestibule.event.type",
        "The type of an event between the services.",
    ),
    LogField::long("vestibule.events", "How many events."),
    LogField::long("vestibule.from", "The first place."),
    LogField::keyword("vestibule.repaired", "What was repaired."),
    LogField::keyword("vestibule.ours", "The state here."),
    LogField::keyword("vestibule.place", "Where a message stands in its queue or topic."),
    LogField::keyword("vestibule.theirs", "The state there."),
    LogField::long("vestibule.to", "The last place."),
    LogField::keyword("vestibule.transport", "What carries events."),
];

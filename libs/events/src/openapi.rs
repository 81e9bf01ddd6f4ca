//! The descriptions of the routes of this crate, for the OpenAPI documents of the services.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::Envelope;
use contract::paths::{self, events, operations as operator};
use http::Method;

use crate::feed::routes::{EventsQuery, SnapshotBody, SnapshotQuery};
use crate::operations::routes::{
    DeadLettersResponse, LimitQuery, ReconcileQuery, Replay, Replayed, Verified, VerifyQuery,
};
use crate::operations::stats::Stats;
use crate::reconcile::Report;
use crate::reconcile::serve::{DigestQuery, Digests, States, StatesQuery, Versions, VersionsQuery};

/// The group of the feed.
pub const EVENTS_TAG: (&str, &str) = (
    "Events",
    "What happened, and how things are, for services and programs that follow.",
);
/// The group of the operations.
pub const OPERATIONS_TAG: (&str, &str) = (
    "Operations",
    "What operators see and do about events. `vestibule events` calls them.",
);

/// The descriptions of all routes of this crate.
pub fn operations() -> Vec<Operation> {
    let mut all = feed();
    all.extend(comparisons());
    all.extend(administration());
    all.push(asyncapi());
    all
}

fn feed() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            events::FEED,
            "readEvents",
            "Reads the published events after a position",
        )
        .tag(EVENTS_TAG.0)
        .description(
            "The events come in the order of their positions, as a batch of CloudEvents. With \
                 `Accept: text/event-stream` they come as server-sent events.",
        )
        .query::<EventsQuery>()
        .header(
            "Last-Event-ID",
            "The position after which an event stream goes on.",
        )
        .response(
            Response::new(200, "The events, which may be none.")
                .typed::<Vec<Envelope>>("application/cloudevents-batch+json")
                .value("text/event-stream", serde_json::json!({ "type": "string" })),
        )
        .error(ErrorType::problem(
            410,
            "position-gone",
            "the feed does not reach back to this position; begin with the snapshot",
        )),
        Operation::new(
            Method::GET,
            events::SNAPSHOT,
            "readSnapshot",
            "Reads a page of the current states",
        )
        .tag(EVENTS_TAG.0)
        .description("Read all pages, then the feed after the `position` of the first one.")
        .query::<SnapshotQuery>()
        .response(Response::new(200, "A page.").json::<SnapshotBody>()),
    ]
}

fn comparisons() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            events::DIGEST,
            "readDigests",
            "Reads digests of ranges of aggregates",
        )
        .tag(EVENTS_TAG.0)
        .description("A follower that has another digest of a range compares its versions.")
        .query::<DigestQuery>()
        .response(Response::new(200, "The digests.").json::<Digests>()),
        Operation::new(
            Method::GET,
            events::VERSIONS,
            "readVersions",
            "Reads the versions of aggregates",
        )
        .tag(EVENTS_TAG.0)
        .query::<VersionsQuery>()
        .response(Response::new(200, "The versions, in the order of the ids.").json::<Versions>()),
        Operation::new(
            Method::GET,
            events::STATES,
            "readStates",
            "Reads the states of certain aggregates",
        )
        .tag(EVENTS_TAG.0)
        .query::<StatesQuery>()
        .response(Response::new(200, "The states.").json::<States>()),
    ]
}

fn administration() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            operator::RECONCILE,
            "reconcile",
            "Compares with the service that is followed",
        )
        .tag(OPERATIONS_TAG.0)
        .description("Drift is repaired, unless `dry` is set.")
        .query::<ReconcileQuery>()
        .response(Response::new(200, "What was found.").json::<Report>()),
        Operation::new(
            Method::GET,
            operator::STATS,
            "readEventStats",
            "Shows how the events of the service are doing",
        )
        .tag(OPERATIONS_TAG.0)
        .response(Response::new(200, "Outbox, relay, consumers and inbox.").json::<Stats>()),
        Operation::new(
            Method::GET,
            operator::VERIFY,
            "verifyEvents",
            "Checks what the events promise",
        )
        .tag(OPERATIONS_TAG.0)
        .query::<VerifyQuery>()
        .response(Response::new(200, "The checks.").json::<Verified>()),
        Operation::new(
            Method::GET,
            operator::DEAD_LETTERS,
            "listDeadLetters",
            "Lists dead letters and parked events",
        )
        .tag(OPERATIONS_TAG.0)
        .query::<LimitQuery>()
        .response(Response::new(200, "What was not published or not applied.").json::<DeadLettersResponse>()),
        Operation::new(
            Method::POST,
            operator::REPLAY,
            "replayEvents",
            "Publishes or applies events again",
        )
        .tag(OPERATIONS_TAG.0)
        .json::<Replay>()
        .response(Response::new(202, "How many will be published or applied.").json::<Replayed>())
        .error(ErrorType::problem(404, "not-found", "no dead letter has this id"))
        .error(ErrorType::problem(
            409,
            "conflict",
            "a range was named, and there is no broker to publish to",
        )),
    ]
}

fn asyncapi() -> Operation {
    Operation::new(
        Method::GET,
        paths::ASYNCAPI,
        "readAsyncApi",
        "Returns the contract of the events as an AsyncAPI document",
    )
    .tag("Service")
    .response(Response::new(200, "The document.").value(
        "application/vnd.aai.asyncapi+json",
        serde_json::json!({ "type": "object", "required": ["asyncapi"] }),
    ))
}

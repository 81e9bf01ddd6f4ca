//! Events with a guarantee: every committed change is published at least once, in order for each aggregate, and
//! applied once.
//!
//! A service writes an event with [`Outbox::append`] in the transaction of the change; its [`Relay`] publishes it;
//! other services follow with a [`Consumer`] of its HTTP [`feed`] or a [`Subscriber`] of a broker, whose inbox applies
//! each event once, in one transaction with its effect. What a broker has to offer is in [`transport`]; the crate
//! `brokers` has those that there are.

mod asyncapi;
mod catalogue;
pub mod feed;
mod follow;
mod inbox;
mod log_catalogue;
mod openapi;
pub mod operations;
mod outbox;
pub mod reconcile;
mod relay;
mod restoration_steps;
pub mod restore;
mod snapshot;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
pub mod testing;
pub mod trace;
pub mod transport;

use chassis::db::Migrations;
use chassis::telemetry::Declarations;

pub use asyncapi::asyncapi_routes;
pub use catalogue::METRICS;
pub use follow::{FollowOptions, Followed, follow_broker, follow_feed};
pub use inbox::{
    Applied, Bootstrap, Consumer, ConsumerOptions, Delivery, Handler, HandlerError, Inbox, InboxError,
    ParkedEvent, Step, Subscriber, parked, replay_parked,
};
pub use openapi::{EVENTS_TAG, OPERATIONS_TAG, operations as described_operations};
pub use outbox::{DeadLetter, Outbox, OutboxError, PARTITIONS, dead_letters, replay, replay_all};
pub use relay::{Relay, RelayOptions};
pub use snapshot::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};

/// The tables of the outbox and the inbox, for every service's database.
pub static MIGRATIONS: Migrations = Migrations {
    name: "events",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// The routes of a service whose events others follow: the feed, and what reconcilers ask for. All are for tokens with the
/// scope `events:read`.
pub fn routes<S>() -> chassis::routes::Routes<S>
where
    S: feed::HasFeed + chassis::access::HasVerifier + Clone + Send + Sync + 'static,
{
    feed::routes().and(reconcile::routes())
}

/// The metrics, actions and log fields of this crate.
pub const TELEMETRY: Declarations = Declarations {
    metrics: METRICS,
    actions: log_catalogue::ACTIONS,
    fields: log_catalogue::FIELDS,
};

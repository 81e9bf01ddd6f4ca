//! Events with a guarantee: every committed change is published at least once, in order for each aggregate, and
//! applied once.
//!
//! A service writes an event with [`Outbox::append`] in the transaction of the change; its [`Relay`] publishes it;
//! other services follow with a [`Consumer`], whose inbox applies each event once, in one transaction with its
//! effect. The [`transport`] between them is the HTTP [`feed`], Kafka or RabbitMQ.

mod catalogue;
pub mod contract;
pub mod feed;
mod inbox;
pub mod operations;
mod outbox;
pub mod reconcile;
mod relay;
pub mod restored;
mod snapshot;
#[cfg(test)]
mod testing;
mod trace;
pub mod transport;
pub mod webhooks;

use chassis::db::Migrations;

pub use catalogue::METRICS;
pub use contract::{Envelope, EventData};
pub use inbox::{
    Applied, Bootstrap, Consumer, ConsumerOptions, Delivery, Handler, HandlerError, Inbox, InboxError,
    ParkedEvent, Step, parked, replay_parked,
};
pub use outbox::{DeadLetter, Outbox, OutboxError, PARTITIONS, dead_letters, replay, replay_all};
pub use relay::{PublishError, Relay, RelayOptions, Transport};
pub use snapshot::{Answer, Snapshot, SnapshotPage, Span, State, Version};

/// The tables of the outbox and the inbox, for every service's database.
pub static MIGRATIONS: Migrations = Migrations {
    name: "events",
    sqlite: sqlx::migrate!("migrations/sqlite"),
    postgres: sqlx::migrate!("migrations/postgres"),
};

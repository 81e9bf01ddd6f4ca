//! Following another service: its events go to a handler, over the feed or a broker, and what came of them is compared
//! with that service now and then.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::shutdown::Shutdown;

use crate::feed::FeedSource;
use crate::inbox::{Consumer, ConsumerOptions, Handler, Inbox, Subscriber};
use crate::reconcile::{Holdings, Options, Reconciler, ReconcilerHandle};
use crate::transport::Broker;

/// A followed service, and the parts of its follower.
#[derive(Clone)]
pub struct Followed {
    /// The name of the consumer, which is that of the service that follows: `auth`. Never to change.
    pub consumer: &'static str,
    /// The service that is followed: `users`.
    pub service: &'static str,
    /// Its feed: the events without a broker; with one, the snapshot to begin with.
    pub feed: FeedSource,
    /// The database that the handler writes to.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// The versions that the handler's effects amount to, for the reconciler.
    pub holdings: Arc<dyn Holdings>,
    /// The way to the reconciler.
    pub reconciliation: ReconcilerHandle,
}

/// The options for following a service.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions {
    /// The time for which the ids of applied events are remembered.
    pub remember: Duration,
    /// The time between two comparisons; `None`: only when asked.
    pub reconcile_every: Option<Duration>,
}

/// Hands the events of the feed of another service to `handler` until `shutdown`, and compares now and then what came of
/// them.
pub async fn follow_feed<H: Handler>(
    followed: Followed,
    options: FollowOptions,
    handler: H,
    shutdown: Shutdown,
) {
    let (inbox, reconciler) = parts(&followed, options, handler, true);
    let consumer = Consumer::of(inbox, followed.feed);
    tokio::join!(consumer.run(shutdown.clone()), reconciler.run(shutdown));
}

/// The same with the events that `broker` carries.
pub async fn follow_broker<B: Broker, H: Handler>(
    broker: B,
    followed: Followed,
    options: FollowOptions,
    handler: H,
    shutdown: Shutdown,
) {
    let (inbox, reconciler) = parts(&followed, options, handler, false);
    let subscriber = Subscriber::new(inbox, broker, followed.feed);
    tokio::join!(subscriber.run(shutdown.clone()), reconciler.run(shutdown));
}

fn parts<H: Handler>(
    followed: &Followed,
    options: FollowOptions,
    handler: H,
    positions: bool,
) -> (Inbox<H>, Reconciler<H>) {
    let inbox_options = ConsumerOptions {
        remember: options.remember,
        ..ConsumerOptions::default()
    };
    let reconciliation = &followed.reconciliation;
    let (db, clock) = (followed.db.clone(), Arc::clone(&followed.clock));
    let inbox = Inbox::new(followed.consumer, db, clock, handler, inbox_options)
        .reporting_to(reconciliation.consumer().clone());
    let reconciler = Reconciler::new(
        inbox.clone(),
        followed.feed.clone(),
        Arc::clone(&followed.holdings),
        reconciliation.clone(),
        Options::new(options.reconcile_every, positions),
    );
    (inbox, reconciler)
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed")
            .field("consumer", &self.consumer)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

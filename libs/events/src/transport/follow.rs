//! Following another service, over whatever the configuration says.

use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::shutdown::Shutdown;

use super::config::{EventsConfig, TransportKind};
use crate::feed::FeedSource;
use crate::inbox::{Consumer, ConsumerOptions, Handler};

/// Whom a service follows.
#[derive(Clone)]
pub struct Followed {
    /// The name of the consumer, which is that of the service that follows: `auth`. Never to change.
    pub consumer: &'static str,
    /// The service that is followed: `users`.
    pub service: &'static str,
    /// Its feed: the events without a broker; with one, the snapshot to begin with.
    pub feed: FeedSource,
    /// Where the handler writes.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
}

/// Hands the events of another service to `handler` until `shutdown`, over the transport that `config` chooses.
pub async fn follow<H: Handler>(config: &EventsConfig, followed: Followed, handler: H, shutdown: Shutdown) {
    let options = ConsumerOptions {
        remember: config.retention(),
        ..ConsumerOptions::default()
    };
    let Followed {
        consumer,
        feed,
        db,
        clock,
        ..
    } = followed;
    match config.transport {
        TransportKind::Feed => {
            Consumer::new(consumer, feed, db, clock, handler, options)
                .run(shutdown)
                .await;
        }
    }
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed")
            .field("consumer", &self.consumer)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

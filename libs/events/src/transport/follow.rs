//! Following another service, over whatever the configuration says.

use std::sync::Arc;

use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::shutdown::Shutdown;

use super::config::{Choice, EventsConfig, TransportKind};
#[cfg(feature = "kafka")]
use super::kafka::KafkaBroker;
use super::rabbitmq::RabbitmqBroker;
use crate::feed::FeedSource;
use crate::inbox::{Consumer, ConsumerOptions, Handler, Inbox, Subscriber};
use crate::reconcile::{self, Holdings, Reconciler, Reconciliation};

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
    /// What the handler's effects amount to, for the reconciler.
    pub holdings: Arc<dyn Holdings>,
    /// The way to the reconciler.
    pub reconciliation: Reconciliation,
}

/// Hands the events of another service to `handler` until `shutdown`, over the transport that `config` chooses, and
/// compares now and then what came of them.
pub async fn follow<H: Handler>(config: &EventsConfig, followed: Followed, handler: H, shutdown: Shutdown) {
    let options = ConsumerOptions {
        remember: config.retention(),
        ..ConsumerOptions::default()
    };
    let Followed {
        consumer,
        service,
        feed,
        db,
        clock,
        holdings,
        reconciliation,
    } = followed;
    #[cfg(not(feature = "kafka"))]
    let _ = service;
    let choice = match config.choice() {
        Ok(choice) => choice,
        Err(error) => {
            tracing::error!(
                consumer,
                error = &error as &dyn std::error::Error,
                "no events are followed"
            );
            return;
        }
    };
    let inbox =
        Inbox::new(consumer, db, clock, handler, options).counting(Arc::clone(reconciliation.totals()));
    let positions = config.transport == TransportKind::Feed;
    let compared = reconcile::Options::new(config.reconcile_every(), positions);
    let reconciler = Reconciler::new(
        inbox.clone(),
        feed.clone(),
        holdings,
        reconciliation.clone(),
        compared,
    );
    let following = async {
        match choice {
            Choice::Feed => Consumer::of(inbox, feed).run(shutdown.clone()).await,
            #[cfg(feature = "kafka")]
            Choice::Kafka(kafka) => {
                let broker = KafkaBroker::new(config, kafka, service, consumer);
                Subscriber::new(inbox, broker, feed)
                    .telling(reconciliation)
                    .run(shutdown.clone())
                    .await;
            }
            #[cfg(not(feature = "kafka"))]
            Choice::Kafka(_) => {}
            Choice::Rabbitmq(rabbitmq) => {
                let broker = RabbitmqBroker::new(rabbitmq, &config.namespace, consumer);
                Subscriber::new(inbox, broker, feed)
                    .telling(reconciliation)
                    .run(shutdown.clone())
                    .await;
            }
        }
    };
    tokio::join!(following, reconciler.run(shutdown.clone()));
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed")
            .field("consumer", &self.consumer)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

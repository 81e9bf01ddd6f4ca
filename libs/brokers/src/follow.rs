//! Following another service over the transport that the configuration chooses.

use chassis::shutdown::Shutdown;
use events::{FollowOptions, Followed, Handler, follow_broker, follow_feed};

use super::config::{Choice, EventsConfig};
use super::kafka::KafkaBroker;
use super::rabbitmq::RabbitmqBroker;

/// Hands the events of another service to `handler` until `shutdown`, over the transport that `config` chooses, and
/// compares now and then what came of them.
pub async fn follow<H: Handler>(config: &EventsConfig, followed: Followed, handler: H, shutdown: Shutdown) {
    let options = FollowOptions {
        remember: config.retention(),
        reconcile_every: config.reconcile_every(),
    };
    let consumer = followed.consumer;
    match config.choice() {
        Ok(Choice::Feed) => follow_feed(followed, options, handler, shutdown).await,
        Ok(Choice::Kafka(kafka)) => {
            let broker = KafkaBroker::new(config, kafka, followed.service, consumer);
            follow_broker(broker, followed, options, handler, shutdown).await;
        }
        Ok(Choice::Rabbitmq(rabbitmq)) => {
            let broker = RabbitmqBroker::new(rabbitmq, &config.namespace, consumer);
            follow_broker(broker, followed, options, handler, shutdown).await;
        }
        Err(error) => tracing::error!(
            consumer,
            error = &error as &dyn std::error::Error,
            "the transport cannot be set up: no events are consumed"
        ),
    }
}

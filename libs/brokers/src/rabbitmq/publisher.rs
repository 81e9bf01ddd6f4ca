//! Publishing: what the relay hands over is delivered when the broker has confirmed it, and somebody who must hear it
//! will.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, Error};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::RabbitmqConfig;
use super::connection::{Session, lost, say};
use super::message;
use super::topology::{Topology, must_be_heard};
use crate::ordered_batches::in_ordered_batches;
use contract::Envelope;
use events::transport::SubscriptionError;
use events::transport::{PublishError, Transport};

/// The longest time for one call, connecting included.
const PUBLISH_WITHIN: Duration = Duration::from_secs(5);

/// Publishes the events of one service to RabbitMQ. Clones share their connection.
#[derive(Clone, Debug)]
pub struct RabbitmqTransport {
    config: RabbitmqConfig,
    topology: Topology,
    service: &'static str,
    /// The open connection with its channel, if it has not failed yet. The relay publishes one batch at a
    /// time.
    publishing: Arc<Mutex<Option<Publishing>>>,
}

#[derive(Debug)]
struct Publishing {
    channel: Channel,
    #[expect(dead_code, reason = "keeps the connection open")]
    session: Session,
}

impl RabbitmqTransport {
    /// For the events of `service`. Nothing is connected yet.
    pub fn new(config: &RabbitmqConfig, namespace: &str, service: &'static str) -> Self {
        Self {
            config: config.clone(),
            topology: Topology::new(namespace, config.declare),
            service,
            publishing: Arc::default(),
        }
    }

    async fn connect(&self) -> Result<Publishing, SubscriptionError> {
        let name = format!("vestibule {} publisher", self.service);
        let session = Session::open(&self.config, name).await?;
        self.topology.for_publisher(&session).await?;
        let channel = session.channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(|error| lost(&error))?;
        Ok(Publishing { channel, session })
    }

    /// Sends events of different aggregates, and waits for all of them. `fit` becomes false when the channel may not
    /// be used again.
    async fn send(
        &self,
        channel: &Channel,
        events: Vec<&Envelope>,
        deadline: Instant,
        fit: &AtomicBool,
    ) -> Vec<Result<(), PublishError>> {
        let exchange = ShortString::from(self.topology.exchange());
        let sent = join_all(events.iter().map(|event| publish(channel, &exchange, event)));
        let Ok(answers) = tokio::time::timeout_at(deadline, sent).await else {
            // None counts, not even one that came: a message that was returned may have been told with another's.
            fit.store(false, Ordering::Relaxed);
            let late = || Err(PublishError::Unavailable("not confirmed in time".to_owned()));
            return events.iter().map(|_| late()).collect();
        };
        let (mut returned, mut judged) = (HashSet::new(), Vec::with_capacity(events.len()));
        for answer in answers {
            judged.push(match answer {
                Ok(confirmation) => {
                    let refused = matches!(confirmation, Confirmation::Nack(_));
                    // The library gives a returned message to whichever confirmation comes next.
                    let message = confirmation.take_message();
                    returned.extend(message.and_then(|message| message.properties.message_id().clone()));
                    match refused {
                        true => Err(PublishError::Unavailable("the broker did not take it".to_owned())),
                        false => Ok(()),
                    }
                }
                Err(error) => {
                    fit.store(false, Ordering::Relaxed);
                    Err(PublishError::Unavailable(say(&error)))
                }
            });
        }
        for (event, result) in events.iter().zip(&mut judged) {
            if result.is_ok() && returned.contains(&ShortString::from(event.id.to_string())) {
                *result = self.unrouted(event);
            }
        }
        judged
    }

    /// The result for an event that is in no queue.
    fn unrouted(&self, event: &Envelope) -> Result<(), PublishError> {
        if must_be_heard(&event.kind) {
            return Err(PublishError::Unavailable(format!(
                "no queue is bound to the exchange {} for {}, which a service must hear; the event waits",
                self.topology.exchange(),
                event.kind
            )));
        }
        metrics::counter!("vestibule_events_unrouted_total", "type" => event.kind.clone()).increment(1);
        Ok(())
    }
}

async fn publish(channel: &Channel, exchange: &ShortString, event: &Envelope) -> Result<Confirmation, Error> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    channel
        .basic_publish(
            exchange.clone(),
            event.kind.as_str().into(),
            options,
            event.data.get().as_bytes(),
            message::properties(event),
        )
        .await?
        .await
}

impl Transport for RabbitmqTransport {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn destination(&self) -> String {
        self.topology.exchange()
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        let deadline = Instant::now() + PUBLISH_WITHIN;
        // Taken out, so that a call that is given up half-way leaves nothing half-used behind.
        let mut place = self.publishing.lock().await;
        let connected = match place.take() {
            Some(publishing) if publishing.channel.status().connected() => Ok(publishing),
            _ => match tokio::time::timeout_at(deadline, self.connect()).await {
                Ok(connected) => connected,
                Err(_) => Err(SubscriptionError::Away("no answer".to_owned())),
            },
        };
        let publishing = match connected {
            Ok(publishing) => publishing,
            Err(error) => {
                let unavailable = PublishError::Unavailable(error.to_string());
                return vec![Err(unavailable); events.len()];
            }
        };
        let fit = AtomicBool::new(true);
        let results = in_ordered_batches(events, |wave| {
            let deadline = Instant::now() + PUBLISH_WITHIN;
            self.send(&publishing.channel, wave, deadline, &fit)
        })
        .await;
        if fit.load(Ordering::Relaxed) {
            *place = Some(publishing);
        }
        results
    }
}

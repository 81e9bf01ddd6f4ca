//! Publishing to Kafka.
//!
//! The producer is idempotent and waits for all replicas in sync. What it did not confirm in time counts as unsent and
//! is sent again; a copy that arrives late all the same has the same id, and consumers drop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use tokio::sync::Mutex;

use super::client::{Ear, settings};
use super::config::KafkaConfig;
use super::message::headers;
use super::topology::Topic;
use crate::EventsConfig;
use crate::ordered_batches::in_ordered_batches;
use contract::{Envelope, EventData, GroupDeleted, RegistrationRejected, UserDeleted};
use events::transport::{PublishError, Transport};

/// Publishes the events of one service to its topic.
#[derive(Clone, Debug)]
pub struct KafkaTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: KafkaConfig,
    service: &'static str,
    topic: Topic,
    /// The client, from the first batch on until it is of no more use.
    live: Mutex<Option<Live>>,
}

/// A producer whose topic is there.
#[derive(Clone)]
struct Live {
    producer: FutureProducer<Ear>,
    ear: Ear,
    topic: Arc<str>,
    /// The topic is gone, or an answer never came.
    lost: Arc<AtomicBool>,
    /// The longest that a message can take.
    patience: Duration,
}

impl KafkaTransport {
    /// The transport of `service`. Nothing is connected before the first event.
    pub(crate) fn new(events: &EventsConfig, config: &KafkaConfig, service: &'static str) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            service,
            topic: Topic::of(service, &events.namespace, events.retention()),
            live: Mutex::new(None),
        }))
    }

    async fn live(&self) -> Result<Live, PublishError> {
        let Inner {
            config,
            service,
            topic,
            live,
        } = &*self.0;
        let mut live = live.lock().await;
        if let Some(live) = &*live {
            return Ok(live.clone());
        }
        let unavailable = |error: &dyn std::fmt::Display| PublishError::Unavailable(error.to_string());
        topic
            .see_to_it(config, service)
            .await
            .map_err(|error| unavailable(&error))?;
        let ear = Ear::default();
        let producer = settings(config, service)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "2")
            .set("message.timeout.ms", config.timeout().as_millis().to_string())
            // As the Java clients do it, so that their streams find the same person in the same partition.
            .set("partitioner", "murmur2_random")
            .create_with_context(ear.clone())
            .map_err(|error| unavailable(&error))?;
        let made = Live {
            producer,
            ear,
            topic: topic.name.as_str().into(),
            lost: Arc::default(),
            // The library answers for itself after the timeout; this is for the case that it does not.
            patience: config.timeout() * 2,
        };
        *live = Some(made.clone());
        Ok(made)
    }

    /// Gives the client up where it is of no more use: the next batch gets a new one, after a look at the topic.
    async fn part(&self, live: Live, results: &[Result<(), PublishError>]) {
        let fatal = live.producer.client().fatal_error();
        if results.iter().all(Result::is_ok) && fatal.is_none() {
            live.ear.forget();
            return;
        }
        if let Some((code, reason)) = &fatal {
            tracing::warn!(%code, event.reason = reason, "Kafka producer failed: a new one is started");
        }
        if fatal.is_some() || live.lost.load(Ordering::Relaxed) {
            let old = self.0.live.lock().await.take();
            // Waits for the threads of the client.
            drop(tokio::task::spawn_blocking(move || drop((live, old))));
        }
    }
}

impl Transport for KafkaTransport {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn destination(&self) -> String {
        self.0.topic.name.clone()
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        let live = match self.live().await {
            Ok(live) => live,
            Err(error) => return vec![Err(error); events.len()],
        };
        let results = in_ordered_batches(events, |wave| live.wave(wave)).await;
        self.part(live, &results).await;
        results
    }
}

impl Live {
    /// Sends events of different aggregates, and a tombstone behind each after which there is nothing left.
    async fn wave(&self, events: Vec<&Envelope>) -> Vec<Result<(), PublishError>> {
        let mut results = join_all(events.iter().map(|event| self.event(event))).await;
        // The broker refuses a whole packet for one big event in it, or for the sum of them.
        if events.len() > 1 {
            for (event, result) in events.iter().zip(&mut results) {
                if matches!(result, Err(DeliveryFailure::TooLarge)) {
                    *result = self.event(event).await;
                }
            }
        }
        let last = events.iter().zip(&mut results);
        let last = last.filter(|(event, result)| result.is_ok() && leaves_nothing(&event.kind));
        join_all(last.map(async |(event, result)| *result = self.tombstone(event).await)).await;
        results
            .into_iter()
            .map(|result| result.map_err(|failure| self.classify(failure)))
            .collect()
    }

    fn event(&self, event: &Envelope) -> impl Future<Output = Result<(), DeliveryFailure>> + use<> {
        confirmed(
            self.patience,
            self.send(event, Some(event.data.get()), Some(headers(event))),
        )
    }

    /// Tells Kafka that nothing of the aggregate is to stay (log compaction deletes what is before a tombstone).
    fn tombstone(&self, event: &Envelope) -> impl Future<Output = Result<(), DeliveryFailure>> + use<> {
        confirmed(self.patience, self.send(event, None, None))
    }

    /// Puts a message into the queue at once, so that the order of calls is the order of messages.
    fn send(
        &self,
        event: &Envelope,
        payload: Option<&str>,
        headers: Option<OwnedHeaders>,
    ) -> Result<DeliveryFuture, KafkaError> {
        let key = event.partitionkey.to_string();
        let mut record = FutureRecord::to(&self.topic).key(&key);
        record.payload = payload;
        record.headers = headers;
        self.producer.send_result(record).map_err(|(error, _)| error)
    }

    fn classify(&self, failure: DeliveryFailure) -> PublishError {
        match failure {
            DeliveryFailure::TooLarge => {
                PublishError::Refused("the event is larger than the topic's max.message.bytes".to_owned())
            }
            DeliveryFailure::Invalid(error) => PublishError::Refused(error),
            DeliveryFailure::Lost(error) => {
                self.lost.store(true, Ordering::Relaxed);
                PublishError::Unavailable(error)
            }
            DeliveryFailure::Away(error) => PublishError::Unavailable(self.ear.explain(error)),
        }
    }
}

/// True if an event is the last of its aggregate, of which nothing is to stay: neither a person who was
/// erased, nor a group that was deleted, nor a registration that was refused, whose id nobody has.
fn leaves_nothing(kind: &str) -> bool {
    [UserDeleted::TYPE, GroupDeleted::TYPE, RegistrationRejected::TYPE].contains(&kind)
}

/// The reason why a message was not confirmed.
#[derive(Clone, Debug)]
enum DeliveryFailure {
    TooLarge,
    Invalid(String),
    Lost(String),
    Away(String),
}

async fn confirmed(
    patience: Duration,
    sent: Result<DeliveryFuture, KafkaError>,
) -> Result<(), DeliveryFailure> {
    let error = match sent {
        Ok(delivery) => match tokio::time::timeout(patience, delivery).await {
            Ok(Ok(Ok(_))) => return Ok(()),
            Ok(Ok(Err((error, _)))) => error,
            Ok(Err(_)) | Err(_) => {
                return Err(DeliveryFailure::Lost("the producer gave no answer".to_owned()));
            }
        },
        Err(error) => error,
    };
    Err(match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => DeliveryFailure::TooLarge,
        Some(RDKafkaErrorCode::InvalidRecord) => DeliveryFailure::Invalid(error.to_string()),
        Some(
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition,
        ) => DeliveryFailure::Lost(error.to_string()),
        _ => DeliveryFailure::Away(error.to_string()),
    })
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

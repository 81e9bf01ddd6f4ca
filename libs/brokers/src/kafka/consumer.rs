//! Reading from Kafka: a member of a consumer group that commits offsets when the database has committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::assignment::{Member, Stand, UNKNOWN, gap};
use super::client::{Ear, settings};
use super::config::KafkaConfig;
use super::group::{Group, ended};
use super::topology::Topic;
use crate::EventsConfig;
use events::transport::{Broker, Message, Subscription, SubscriptionError};

/// The topic of one service, as one consumer sees it.
#[derive(Debug)]
pub(crate) struct KafkaBroker {
    config: KafkaConfig,
    group: String,
    consumer: &'static str,
    topic: Topic,
}

impl KafkaBroker {
    /// The topic of `service` for `consumer`.
    pub(crate) fn new(
        events: &EventsConfig,
        config: &KafkaConfig,
        service: &'static str,
        consumer: &'static str,
    ) -> Self {
        Self {
            config: config.clone(),
            group: format!("{}.{consumer}", events.namespace),
            consumer,
            topic: Topic::of(service, &events.namespace, events.retention()),
        }
    }

    fn client(&self) -> Result<Group, KafkaError> {
        let member = Member {
            ear: Ear::default(),
            topic: self.topic.name.clone(),
            timeout: self.config.timeout(),
            lag: AtomicU64::new(UNKNOWN),
            places: Default::default(),
        };
        let session = self.config.session_timeout_ms.get();
        settings(&self.config, self.consumer)
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Where to begin is told with every assignment; what is out of range then was deleted meanwhile.
            .set("auto.offset.reset", "error")
            // Eager: see `assignment`.
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", session.to_string())
            .set("heartbeat.interval.ms", (session / 3).to_string())
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "16384")
            .set("statistics.interval.ms", "2000")
            .create_with_context(member)
            .map(|consumer| Group(Some(consumer)))
    }
}

impl Broker for KafkaBroker {
    type Subscription = KafkaSubscription;

    fn name(&self) -> &'static str {
        "kafka"
    }

    fn destination(&self) -> String {
        self.topic.name.clone()
    }

    fn place(&self) -> String {
        let mut brokers = self.config.brokers.clone();
        brokers.sort();
        format!("{} {} {}", brokers.join(","), self.topic.name, self.group)
    }

    async fn subscribe(&self, begun: bool) -> Result<KafkaSubscription, SubscriptionError> {
        let missed = |what: &str| SubscriptionError::Missed(format!("{what} {}", self.topic.name));
        let partitions = match begun {
            true => {
                let found = self.topic.find(&self.config, self.consumer).await?;
                found.ok_or_else(|| missed("there is no longer a topic"))?
            }
            false => self.topic.see_to_it(&self.config, self.consumer).await?,
        };
        let group = self
            .client()
            .map_err(|error| SubscriptionError::Away(error.to_string()))?;
        let (topic, timeout) = (self.topic.name.clone(), self.config.timeout());
        let (group, stands) = blocking(move || {
            let stands = Stand::of(group.consumer()?, &topic, &partitions, timeout)
                .map_err(|error| group.away(&error))?;
            Ok((group, stands))
        })
        .await?;
        if begun && gap(&stands) {
            return Err(missed(
                "the group does not know where it was, or that is gone, in",
            ));
        }
        if !begun {
            // The snapshot is read after this, so it knows all that was published by now.
            group.member()?.places().covered =
                stands.iter().map(|stand| (stand.partition, stand.high)).collect();
        }
        Ok(KafkaSubscription {
            group: Some(Arc::new(group)),
            joined: false,
            unsure: false,
            given: HashMap::new(),
            turn: 0,
            consumer: self.consumer,
            stopped: Arc::default(),
        })
    }
}

/// A place in the group.
pub(crate) struct KafkaSubscription {
    /// Nothing after the end.
    group: Option<Arc<Group>>,
    joined: bool,
    /// A call of [`Subscription::next`] was given up: what it fetched is lost, so nothing behind it may be committed.
    unsure: bool,
    /// The next offset of each partition behind what was given and is not settled.
    given: HashMap<i32, i64>,
    /// The turn in which it was given.
    turn: u64,
    consumer: &'static str,
    stopped: Arc<AtomicBool>,
}

impl Subscription for KafkaSubscription {
    async fn next(&mut self, limit: usize, wait: Duration) -> Result<Vec<Message>, SubscriptionError> {
        let group = self.group()?;
        if std::mem::replace(&mut self.unsure, true) {
            return Err(SubscriptionError::Away(
                "a look for messages was given up".to_owned(),
            ));
        }
        if !std::mem::replace(&mut self.joined, true) {
            group.join()?;
        }
        let stopped = Arc::clone(&self.stopped);
        let batch = blocking(move || group.poll(limit, wait, &stopped)).await?;
        self.unsure = false;
        if batch.failures > 0 {
            metrics::counter!("vestibule_consumer_failures_total", "consumer" => self.consumer)
                .increment(batch.failures);
        }
        if batch.turn != self.turn {
            // The partitions were revoked: the member that has them now begins at the committed offsets.
            self.given.clear();
            self.turn = batch.turn;
        }
        self.given.extend(batch.given);
        Ok(batch.messages)
    }

    async fn settle(&mut self) -> Result<(), SubscriptionError> {
        let group = self.group()?;
        let mut offsets = TopicPartitionList::with_capacity(self.given.len());
        for (partition, next) in self.given.drain() {
            offsets
                .add_partition_offset(&group.member()?.topic, partition, Offset::Offset(next))
                .map_err(|error| group.away(&error))?;
        }
        if offsets.count() == 0 {
            return Ok(());
        }
        // Not waited for: the broker refuses it from a member that has lost its place meanwhile, and what is not
        // committed comes again.
        group
            .consumer()?
            .commit(&offsets, CommitMode::Async)
            .map_err(|error| group.away(&error))
    }

    fn lag(&self) -> Option<u64> {
        let lag = self.group.as_ref()?.member().ok()?.lag.load(Ordering::Relaxed);
        (lag != UNKNOWN).then_some(lag)
    }
}

impl KafkaSubscription {
    fn group(&self) -> Result<Arc<Group>, SubscriptionError> {
        self.group.clone().ok_or_else(ended)
    }
}

impl Drop for KafkaSubscription {
    /// Leaves the group, so that others need not wait for the end of the session.
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let group = self.group.take();
        // Leaving waits for the broker.
        if let Ok(handle) = Handle::try_current() {
            drop(handle.spawn_blocking(move || drop(group)));
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SubscriptionError> + Send + 'static,
) -> Result<T, SubscriptionError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(SubscriptionError::Away(error.to_string())))
}

impl std::fmt::Debug for KafkaSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSubscription")
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

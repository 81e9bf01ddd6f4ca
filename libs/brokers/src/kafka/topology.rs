//! The topics: what they have to be, and seeing to it.
//!
//! `NAMESPACE.users` is compacted: for each person and group the newest event stays for ever, so that the topic is a
//! table of them. That is safe because each event carries the whole state. Nothing younger than the retention is
//! compacted, so a consumer that is not away for longer gets every event, deletions included (`delete.retention.ms` keeps
//! tombstones for as long). Whatever is older **is** compacted within a day more: the data of a deleted person is gone.
//!
//! `NAMESPACE.auth` is not: a session that ended or a sign-in that failed is no state of which the newest would do. Its
//! events go after the retention.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::client::{Ear, settings};
use super::config::KafkaConfig;
use events::transport::SubscriptionError;

/// A topic that has to be there.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    /// True if the topic is compacted: the newest event of each aggregate stays.
    compacted: bool,
    retention: Duration,
}

/// The time for which a segment of a topic is written before the next begins: only closed segments are
/// compacted or deleted.
const SEGMENT: Duration = Duration::from_secs(24 * 3600);

impl Topic {
    /// The topic of the events of `service`.
    pub(super) fn of(service: &str, namespace: &str, retention: Duration) -> Self {
        Self {
            name: format!("{namespace}.{service}"),
            compacted: service == "users",
            retention,
        }
    }

    fn policies(&self) -> Vec<(&'static str, String)> {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let mut policies = vec![("segment.ms", millis(SEGMENT))];
        if self.compacted {
            policies.extend([
                ("cleanup.policy", "compact".to_owned()),
                ("min.compaction.lag.ms", millis(self.retention)),
                ("max.compaction.lag.ms", millis(self.retention + SEGMENT)),
                ("delete.retention.ms", millis(self.retention)),
            ]);
        } else {
            policies.extend([
                ("cleanup.policy", "delete".to_owned()),
                ("retention.ms", millis(self.retention)),
                ("retention.bytes", "-1".to_owned()),
            ]);
        }
        policies
    }

    /// The partitions of the topic, if it is there.
    pub(super) async fn find(
        &self,
        config: &KafkaConfig,
        service: &str,
    ) -> Result<Option<Vec<i32>>, SubscriptionError> {
        self.poll(config, service, &Ear::default()).await
    }

    /// The partitions of the topic, which is made when that is allowed and it is missing.
    pub(super) async fn see_to_it(
        &self,
        config: &KafkaConfig,
        service: &str,
    ) -> Result<Vec<i32>, SubscriptionError> {
        let ear = Ear::default();
        if let Some(partitions) = self.poll(config, service, &ear).await? {
            return Ok(partitions);
        }
        if !config.declare {
            return Err(SubscriptionError::Topology(format!(
                "there is no topic {}, and events.kafka.declare = false says that others make it",
                self.name
            )));
        }
        self.make(config, service, &ear).await?;
        // The brokers tell each other after they have answered.
        for _ in 0..50 {
            if let Some(partitions) = self.poll(config, service, &ear).await? {
                return Ok(partitions);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(SubscriptionError::Away(format!(
            "the topic {} was made and is not there yet",
            self.name
        )))
    }

    async fn poll(
        &self,
        config: &KafkaConfig,
        service: &str,
        ear: &Ear,
    ) -> Result<Option<Vec<i32>>, SubscriptionError> {
        let (topic, config, ear) = (self.clone(), config.clone(), ear.clone());
        // A client without a group, because those of producers make a topic by asking for it, where brokers allow that.
        let settings = settings(&config, service);
        let look = tokio::task::spawn_blocking(move || {
            let client: BaseConsumer<Ear> = settings
                .create_with_context(ear.clone())
                .map_err(|error| SubscriptionError::Away(error.to_string()))?;
            let metadata = client.fetch_metadata(Some(&topic.name), config.timeout());
            match metadata {
                Ok(metadata) => topic.found(&metadata, &config),
                Err(error) => {
                    // Why, it says in a moment.
                    for _ in 0..10 {
                        if ear.heard() {
                            break;
                        }
                        let _ = client.poll(Duration::from_millis(50));
                    }
                    Err(SubscriptionError::Away(ear.explain(error)))
                }
            }
        });
        look.await
            .unwrap_or_else(|error| Err(SubscriptionError::Away(error.to_string())))
    }

    fn found(
        &self,
        metadata: &Metadata,
        config: &KafkaConfig,
    ) -> Result<Option<Vec<i32>>, SubscriptionError> {
        let topic = metadata.topics().iter().find(|topic| topic.name() == self.name);
        let Some(topic) = topic else { return Ok(None) };
        match topic.error().map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                return Ok(None);
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                return Err(SubscriptionError::Topology(format!(
                    "the topic {} may not be used by this service",
                    self.name
                )));
            }
            Some(code) => {
                return Err(SubscriptionError::Away(format!(
                    "the topic {}: {code}",
                    self.name
                )));
            }
        }
        let partitions: Vec<i32> = topic
            .partitions()
            .iter()
            .map(|partition| partition.id())
            .collect();
        if partitions.is_empty() {
            return Ok(None);
        }
        if partitions.len() != usize::from(config.partitions.get()) {
            tracing::info!(
                topic = self.name,
                found = partitions.len(),
                configured = config.partitions,
                "Kafka topic has another number of partitions than events.kafka.partitions: left as it is"
            );
        }
        Ok(Some(partitions))
    }

    async fn make(&self, config: &KafkaConfig, service: &str, ear: &Ear) -> Result<(), SubscriptionError> {
        let away = |error: KafkaError| SubscriptionError::Away(ear.explain(error));
        let admin: AdminClient<Ear> = settings(config, service)
            .create_with_context(ear.clone())
            .map_err(away)?;
        // -1 is the brokers' own default.
        let copies = config.replication.map_or(-1, |copies| i32::from(copies.get()));
        let policies = self.policies();
        let mut topic = NewTopic::new(
            &self.name,
            i32::from(config.partitions.get()),
            TopicReplication::Fixed(copies),
        );
        for (key, value) in &policies {
            topic = topic.set(key, value);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(config.timeout()))
            .operation_timeout(Some(config.timeout()));
        let answer = admin.create_topics([&topic], &options).await.map_err(away)?;
        match answer.into_iter().next() {
            Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
                tracing::info!(topic = self.name, "Kafka topic exists");
                Ok(())
            }
            Some(Err((_, code))) => Err(SubscriptionError::Topology(format!(
                "the topic {} cannot be made: {code}",
                self.name
            ))),
            None => Err(SubscriptionError::Away(
                "no answer to the wish for a topic".to_owned(),
            )),
        }
    }
}

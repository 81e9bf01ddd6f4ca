//! The assignment of partitions to a member of the consumer group: the offset at which each begins, whether records were
//! deleted before they were read, and the offsets that may be committed.
//!
//! The group is balanced by the eager protocol: a member gives **all** its partitions back and gets some
//! again. What it has in hand of them is dropped, because the member that has them next begins at the
//! committed offset.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::client::Ear;

/// The offsets of a partition: those that it holds, and the one that the group has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) partition: i32,
    /// The next offset to read, where the group has read before.
    pub(super) committed: Option<i64>,
    /// The first offset that is there.
    pub(super) low: i64,
    /// The one behind the last.
    pub(super) high: i64,
}

impl Stand {
    /// Asks the brokers. Blocks.
    pub(super) fn of<C: ConsumerContext>(
        consumer: &impl Consumer<C>,
        topic: &str,
        partitions: &[i32],
        timeout: Duration,
    ) -> KafkaResult<Vec<Self>> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(topic, *partition);
        }
        let committed = consumer.committed_offsets(list, timeout)?;
        let committed: HashMap<i32, i64> = committed
            .elements_for_topic(topic)
            .iter()
            .filter_map(|element| match element.offset() {
                Offset::Offset(offset) => Some((element.partition(), offset)),
                _ => None,
            })
            .collect();
        partitions
            .iter()
            .map(|partition| {
                let (low, high) = consumer.fetch_watermarks(topic, *partition, timeout)?;
                Ok(Self {
                    partition: *partition,
                    committed: committed.get(partition).copied(),
                    low,
                    high,
                })
            })
            .collect()
    }

    /// True if messages were deleted that the group has not read, or the topic is another one than it has
    /// read. A snapshot that was taken when the partition ended at `covered` makes up for what was before
    /// that.
    fn misses(&self, covered: Option<i64>) -> bool {
        match self.committed {
            Some(committed) if committed > self.high => covered.is_none(),
            Some(committed) => self.low > committed.max(covered.unwrap_or(0)),
            None => self.low > covered.unwrap_or(0),
        }
    }

    fn begin(&self) -> Offset {
        match self.committed {
            Some(committed) if (self.low..=self.high).contains(&committed) => Offset::Offset(committed),
            _ => Offset::Beginning,
        }
    }
}

/// True if a group that has read here before needs a snapshot to go on, because messages are missing.
pub(super) fn gap(stands: &[Stand]) -> bool {
    // A member commits where it begins, before the first message. Brokers forget the offsets of a group that was away
    // for long (`offsets.retention.minutes`, a week by default), and with a topic that is deleted: another one of its
    // name may be empty still.
    let forgotten = stands.iter().all(|stand| stand.committed.is_none());
    forgotten || stands.iter().any(|stand| stand.misses(None))
}

/// The offsets of one member's partitions, as far as it knows them.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Counts how often partitions were given or taken.
    pub(super) turn: u64,
    /// The next offset of each partition, if nothing is missing.
    expected: HashMap<i32, i64>,
    /// The first offsets of the partitions without a committed one, until one is about to be committed.
    pub(super) first: HashMap<i32, i64>,
    /// The end offsets of the partitions at the time of the snapshot that makes up for what was deleted
    /// before.
    pub(super) covered: HashMap<i32, i64>,
    /// Something was deleted before it was read.
    pub(super) missed: bool,
    /// The partitions that were given could not be taken up.
    pub(super) lost: bool,
}

impl Places {
    /// Notes a message, and whether those before it are missing: in a compacted topic holes are how one sees that.
    pub(super) fn note(&mut self, partition: i32, offset: i64) {
        let expected = self.expected.insert(partition, offset + 1);
        let covered = self.covered.get(&partition).copied().unwrap_or(0);
        if expected.is_some_and(|expected| offset > expected.max(covered)) {
            self.missed = true;
        }
    }

    fn take_all(&mut self) {
        self.turn += 1;
        self.expected.clear();
        self.first.clear();
    }

    fn give(&mut self, stands: &[Stand]) {
        self.turn += 1;
        for stand in stands {
            self.missed |= stand.misses(self.covered.get(&stand.partition).copied());
            if let Offset::Offset(offset) = stand.begin() {
                self.expected.insert(stand.partition, offset);
            } else {
                self.first.insert(stand.partition, stand.low);
            }
        }
    }
}

/// The context of a consumer: the library calls it while the member polls.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) ear: Ear,
    pub(super) topic: String,
    pub(super) timeout: Duration,
    pub(super) lag: AtomicU64,
    pub(super) places: Mutex<Places>,
}

/// The lag before it is known.
pub(super) const UNKNOWN: u64 = u64::MAX;

impl Member {
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, given: &TopicPartitionList) -> KafkaResult<()> {
        let partitions: Vec<i32> = given
            .elements_for_topic(&self.topic)
            .iter()
            .map(|element| element.partition())
            .collect();
        let stands = Stand::of(consumer, &self.topic, &partitions, self.timeout)?;
        let mut list = TopicPartitionList::with_capacity(stands.len());
        for stand in &stands {
            list.add_partition_offset(&self.topic, stand.partition, stand.begin())?;
        }
        self.places().give(&stands);
        consumer.assign(&list)
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let result = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            tracing::debug!(
                topic = self.topic,
                partitions = list.count(),
                "Kafka partitions assigned"
            );
            self.assign(consumer, list)
        } else {
            tracing::debug!(topic = self.topic, "Kafka partitions revoked");
            self.places().take_all();
            consumer.unassign()
        };
        if let Err(error) = result {
            tracing::warn!(topic = self.topic, %error, "Kafka partitions cannot be resumed: the group member restarts");
            // The library waits for an answer before it goes on; the error is found where messages are fetched.
            let _ = consumer.unassign();
            self.places().lost = true;
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // Not a loss: what is not committed comes again, and the inbox knows it. Most often the group was balanced anew.
        if let Err(error) = result {
            tracing::debug!(topic = self.topic, %error, "Kafka offsets not committed");
        }
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.ear.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics
            .topics
            .get(&self.topic)
            .into_iter()
            .flat_map(|topic| topic.partitions.values())
            .filter(|partition| partition.fetch_state == "active" && partition.hi_offset >= 0);
        let lag: i64 = partitions
            .map(|partition| {
                let read = partition
                    .app_offset
                    .max(partition.committed_offset)
                    .max(partition.lo_offset);
                (partition.hi_offset - read.max(0)).max(0)
            })
            .sum();
        self.lag.store(lag.unsigned_abs(), Ordering::Relaxed);
    }
}

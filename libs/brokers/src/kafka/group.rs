//! A member of the consumer group: joins, looks for messages, and leaves. All of this blocks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use tokio::time::Instant;

use super::assignment::{Member, Places};
use super::message::open;
use events::transport::{Message, SubscriptionError};

/// The longest time for the end of a member.
const FAREWELL: Duration = Duration::from_secs(2);

/// The longest time that one poll for messages blocks a thread. The end of the process may wait for it as
/// long.
const POLL: Duration = Duration::from_millis(100);

/// A client of the group. Its consumer is there until it is dropped.
pub(super) struct Group(pub(super) Option<BaseConsumer<Member>>);

/// The result of one poll.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) messages: Vec<Message>,
    pub(super) given: HashMap<i32, i64>,
    pub(super) turn: u64,
    pub(super) failures: u64,
}

impl Group {
    pub(super) fn consumer(&self) -> Result<&BaseConsumer<Member>, SubscriptionError> {
        self.0.as_ref().ok_or_else(ended)
    }

    pub(super) fn member(&self) -> Result<&Member, SubscriptionError> {
        Ok(self.consumer()?.context())
    }

    pub(super) fn away(&self, error: &KafkaError) -> SubscriptionError {
        let text = self.member().map(|member| member.ear.explain(error));
        SubscriptionError::Away(text.unwrap_or_else(|_| error.to_string()))
    }

    pub(super) fn join(&self) -> Result<(), SubscriptionError> {
        self.consumer()?
            .subscribe(&[&self.member()?.topic])
            .map_err(|error| self.away(&error))
    }

    /// Waits for messages, and takes those that are at hand. Blocks.
    pub(super) fn poll(
        &self,
        limit: usize,
        wait: Duration,
        stopped: &AtomicBool,
    ) -> Result<Batch, SubscriptionError> {
        let until = Instant::now() + wait;
        let (consumer, member) = (self.consumer()?, self.member()?);
        let mut batch = Batch {
            turn: member.places().turn,
            ..Batch::default()
        };
        while batch.messages.len() < limit && !stopped.load(Ordering::Relaxed) {
            let left = until.saturating_duration_since(Instant::now());
            let patience = if batch.messages.is_empty() {
                left.min(POLL)
            } else {
                Duration::ZERO
            };
            let polled = consumer.poll(patience);
            let mut places = member.places();
            if places.turn != batch.turn {
                batch = Batch {
                    turn: places.turn,
                    failures: batch.failures,
                    ..Batch::default()
                };
            }
            let nothing = polled.is_none();
            match polled {
                Some(Ok(message)) => {
                    places.note(message.partition(), message.offset());
                    batch.given.insert(message.partition(), message.offset() + 1);
                    batch.messages.extend(open(&message));
                }
                Some(Err(error)) => {
                    batch.failures += 1;
                    classify(member, &error)?;
                }
                None => {}
            }
            for (partition, first) in std::mem::take(&mut places.first) {
                batch.given.entry(partition).or_insert(first);
            }
            check(&places)?;
            if nothing && (!batch.messages.is_empty() || left.is_zero()) {
                break;
            }
        }
        Ok(batch)
    }
}

/// Decides on an error: `Ok` to go on in spite of it. The library connects again by itself, and this member
/// keeps its place: one that joins anew has to wait until the old one is given up.
fn classify(member: &Member, error: &KafkaError) -> Result<(), SubscriptionError> {
    let text = || member.ear.explain(error);
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        return Err(SubscriptionError::Away(text()));
    }
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed,
        ) => Err(SubscriptionError::Topology(text())),
        // The offset was deleted between the assignment and the first message.
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
            Err(SubscriptionError::Away(text()))
        }
        Some(RDKafkaErrorCode::AllBrokersDown) => {
            tracing::warn!(
                topic = member.topic,
                event.reason = text(),
                "no Kafka broker can be reached: retrying"
            );
            Ok(())
        }
        _ => {
            tracing::debug!(topic = member.topic, event.reason = text(), "kafka");
            Ok(())
        }
    }
}

fn check(places: &Places) -> Result<(), SubscriptionError> {
    if places.lost {
        return Err(SubscriptionError::Away(
            "the group's offsets cannot be read".to_owned(),
        ));
    }
    if places.missed {
        return Err(SubscriptionError::Missed(
            "they were deleted from the topic".to_owned(),
        ));
    }
    Ok(())
}

impl Drop for Group {
    /// Leaves the group, for which the library waits as long as the broker is away; this waits no longer than a moment, so
    /// that a service can end meanwhile.
    fn drop(&mut self) {
        let (done, left) = std::sync::mpsc::channel();
        let consumer = self.0.take();
        std::thread::spawn(move || {
            drop(consumer);
            let _ = done.send(());
        });
        if left.recv_timeout(FAREWELL).is_err() {
            tracing::debug!("Kafka consumer group not left in time");
        }
    }
}

pub(super) fn ended() -> SubscriptionError {
    SubscriptionError::Away("the subscription has ended".to_owned())
}

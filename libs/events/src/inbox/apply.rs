//! Applying a delivery: many events in one transaction, and one by one where one of them fails.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chassis::db::Tx;
use chassis::telemetry::TraceContext;
use chassis::telemetry::error_text;
use uuid::Uuid;

use super::store::{self, Together, parked, positions};
use super::{Applied, Delivery, Handler, HandlerError, Inbox, InboxError, Step};
use contract::Envelope;

/// Pauses between the attempts at an event before it is parked: most failures are passing ones, such as a deadlock.
const RETRIES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(100)];

/// The origin of events: decides whether their ids are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Published events.
    Stream,
    /// States of a snapshot, which have no id that would come again.
    Snapshot,
}

impl Origin {
    fn together(self) -> Together {
        match self {
            Self::Stream => Together::WithDeliveries,
            Self::Snapshot => Together::Alone,
        }
    }
}

/// The reason why a group was not applied.
#[derive(Debug)]
pub(super) enum GroupError {
    Inbox(InboxError),
    /// The handler could not apply the event at `index`.
    Handler {
        index: usize,
        error: HandlerError,
    },
}

impl<E: Into<chassis::db::DbError>> From<E> for GroupError {
    fn from(error: E) -> Self {
        Self::Inbox(InboxError::Db(error.into()))
    }
}

impl<H: Handler> Inbox<H> {
    /// Applies events in the order given, and moves the consumer on with them, if there is a `step`.
    ///
    /// # Errors
    /// When the database fails, or another replica was faster. What was applied before stays applied; the same
    /// delivery may be tried again.
    pub async fn deliver(&self, events: &[Envelope], step: Option<Step>) -> Result<Delivery, InboxError> {
        self.deliver_from(Origin::Stream, events, step).await
    }

    pub(super) async fn deliver_from(
        &self,
        origin: Origin,
        events: &[Envelope],
        step: Option<Step>,
    ) -> Result<Delivery, InboxError> {
        let (mut rest, mut step) = (events, step);
        let mut total = Delivery::default();
        loop {
            let index = match self.group(origin, rest, step).await {
                Ok(delivery) => {
                    total.add(delivery);
                    return Ok(total);
                }
                Err(GroupError::Inbox(error)) => return Err(error),
                Err(GroupError::Handler { index, error }) => {
                    tracing::debug!(
                        error = error_text(&error),
                        "batch of events failed: they are applied one by one"
                    );
                    index
                }
            };
            let (before, from_failed) = rest.split_at(index.min(rest.len()));
            if !before.is_empty() {
                let part = partial(step, before);
                match self.group(origin, before, part).await {
                    Ok(delivery) => total.add(delivery),
                    Err(GroupError::Inbox(error)) => return Err(error),
                    // Something earlier fails by now: begin again with what is left.
                    Err(GroupError::Handler { .. }) => continue,
                }
                step = remaining(step, part);
            }
            let (failed, after) = from_failed.split_at(from_failed.len().min(1));
            let part = if after.is_empty() {
                step
            } else {
                partial(step, failed)
            };
            total.add(self.alone(origin, failed, part).await?);
            if after.is_empty() {
                return Ok(total);
            }
            (rest, step) = (after, remaining(step, part));
        }
    }

    /// Applies one event by itself, some times, and parks it if that is of no use.
    async fn alone(
        &self,
        origin: Origin,
        event: &[Envelope],
        step: Option<Step>,
    ) -> Result<Delivery, InboxError> {
        let mut pauses = RETRIES.iter();
        loop {
            let error = match self.group(origin, event, step).await {
                Ok(delivery) => return Ok(delivery),
                Err(GroupError::Inbox(error)) => return Err(error),
                Err(GroupError::Handler {
                    error: HandlerError::Db(error),
                    ..
                }) if error.is_transient() => {
                    return Err(error.into());
                }
                Err(GroupError::Handler { error, .. }) => error,
            };
            let Some(pause) = pauses.next() else {
                return self.park(origin, event, step, &error).await;
            };
            tokio::time::sleep(*pause).await;
        }
    }

    /// One transaction: dedup, order, effect, position.
    pub(super) async fn group(
        &self,
        origin: Origin,
        events: &[Envelope],
        step: Option<Step>,
    ) -> Result<Delivery, GroupError> {
        let mut tx = self.db.begin("inbox").await?;
        store::enter(&mut tx, self.consumer, origin.together()).await?;
        let mut fresh = self.open(&mut tx, origin, events, step).await?;
        let aggregates = events.iter().map(|event| event.subject);
        let mut known = store::sequences(&mut tx, self.consumer, aggregates.clone()).await?;
        let held = parked::held(&mut tx, self.consumer, aggregates).await?;
        let mut delivery = Delivery::default();
        let mut newest = HashMap::new();
        let mut delays = Vec::new();
        let mut applied_now = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if origin == Origin::Stream && !fresh.remove(&event.id) {
                delivery.duplicates += 1;
                continue;
            }
            if held.contains(&event.subject) {
                parked::wait(&mut tx, self.consumer, event).await?;
                delivery.parked += 1;
                continue;
            }
            let last = known.get(&event.subject).copied();
            if last.is_some_and(|last| event.sequence <= last) {
                delivery.stale += 1;
                continue;
            }
            let mut place = None;
            let applying = async {
                place = TraceContext::current();
                self.handler.apply(&mut tx, event).await
            };
            let applied = self.traced(event, applying).await;
            match applied.map_err(|error| GroupError::Handler { index, error })? {
                Applied::Yes => {
                    delivery.applied += 1;
                    delays.push(event.time);
                    applied_now.push((event, place));
                }
                Applied::Ignored => delivery.ignored += 1,
            }
            // A snapshot is a leap by nature.
            let skips = origin == Origin::Stream && last.is_some_and(|last| event.sequence > last + 1);
            delivery.gaps += u64::from(skips);
            known.insert(event.subject, event.sequence);
            newest.insert(event.subject, event.sequence);
        }
        store::note_sequences(&mut tx, self.consumer, &newest).await?;
        tx.commit().await?;
        self.meter(&delivery, origin, &delays);
        self.log_applied(&applied_now).await;
        Ok(delivery)
    }

    /// Moves the consumer, which keeps other replicas out, and notes the events. Answers those that are new.
    async fn open(
        &self,
        tx: &mut Tx,
        origin: Origin,
        events: &[Envelope],
        step: Option<Step>,
    ) -> Result<HashSet<Uuid>, GroupError> {
        let now = self.clock.now();
        if let Some(step) = step
            && !positions::advance(tx, self.consumer, step, now).await?
        {
            return Err(GroupError::Inbox(InboxError::Moved));
        }
        if origin == Origin::Snapshot {
            return Ok(HashSet::new());
        }
        let ids = events.iter().map(|event| event.id);
        Ok(store::remember(tx, self.consumer, ids, now).await?)
    }

    pub(super) async fn park(
        &self,
        origin: Origin,
        event: &[Envelope],
        step: Option<Step>,
        error: &HandlerError,
    ) -> Result<Delivery, InboxError> {
        let mut tx = self.db.begin("inbox_park").await?;
        store::enter(&mut tx, self.consumer, origin.together()).await?;
        let fresh = match self.open(&mut tx, origin, event, step).await {
            Ok(fresh) => fresh,
            Err(GroupError::Inbox(error)) => return Err(error),
            Err(GroupError::Handler { .. }) => return Ok(Delivery::default()),
        };
        let mut delivery = Delivery::default();
        for event in event {
            if origin == Origin::Stream && !fresh.contains(&event.id) {
                // Another replica has settled it since.
                delivery.duplicates += 1;
                continue;
            }
            tracing::error!(
                event.action = "event-parked",
                event.outcome = "failure",
                consumer = self.consumer,
                event.id = %event.id,
                vestibule.event.type = event.kind,
                error = error_text(error),
                "event parked: it cannot be applied and is tried again",
            );
            let next = self.clock.now() + self.options.first_backoff;
            parked::park(&mut tx, self.consumer, event, &error_text(error), next).await?;
            delivery.parked += 1;
        }
        tx.commit().await?;
        self.meter(&delivery, origin, &[]);
        Ok(delivery)
    }
}

/// The part of a step that goes with the first events of a delivery.
fn partial(step: Option<Step>, events: &[Envelope]) -> Option<Step> {
    let step = step?;
    let to = events
        .last()
        .and_then(|event| event.position)
        .unwrap_or(step.from);
    Some(Step { from: step.from, to })
}

/// The rest of a step after a part of it.
fn remaining(step: Option<Step>, part: Option<Step>) -> Option<Step> {
    Some(Step {
        from: part?.to,
        to: step?.to,
    })
}

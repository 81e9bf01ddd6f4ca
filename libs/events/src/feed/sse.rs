//! The feed as server-sent events (WHATWG HTML §9.2): one message per event, whose id is its position.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use chassis::clock::Timestamp;
use futures_util::Stream;
use futures_util::stream;

use super::guard::Guard;
use super::{Feed, MAX_WAIT};
use contract::Envelope;

/// Read at a time; a follower that is slow to take them holds no more than these in memory.
const PAGE: i64 = 100;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The position of a stream, and the limits of its life.
pub(super) struct Cursor {
    feed: Feed,
    after: i64,
    ready: VecDeque<Envelope>,
    until: Timestamp,
    guard: Guard,
}

impl Cursor {
    /// After position `after`, until the follower's token expires, which is at `until`, or `guard` finds that it is no
    /// longer honoured.
    pub(super) fn new(feed: Feed, after: i64, until: Timestamp, guard: Guard) -> Self {
        Self {
            feed,
            after,
            ready: VecDeque::new(),
            until,
            guard,
        }
    }
}

/// All events from `place` on, until the feed closes, or fails, or the follower's token is good no more; the follower
/// comes back with the id of the last one.
pub(super) fn stream(place: Cursor) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(place, |mut place| async move {
        let envelope = next(&mut place).await?;
        let data = serde_json::to_string(&envelope).ok()?;
        let event = Event::default().id(place.after.to_string()).data(data);
        Some((Ok(event), place))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn next(place: &mut Cursor) -> Option<Envelope> {
    loop {
        // Before every event: a follower that is slow to take them may have been shut out meanwhile.
        place.guard.check().await.ok()?;
        if let Some(envelope) = place.ready.pop_front() {
            place.after = envelope.position?;
            return Some(envelope);
        }
        if place.feed.is_closing() {
            return None;
        }
        let left = place.until.since(place.feed.outbox.clock().now());
        if left.is_zero() {
            return None;
        }
        let wait = MAX_WAIT.min(left).min(place.guard.patience());
        match place.feed.read(place.after, PAGE, wait).await {
            Ok(events) => place.ready = events.into(),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "server-sent event stream ended"
                );
                return None;
            }
        }
    }
}

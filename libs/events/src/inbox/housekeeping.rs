//! Housekeeping of a consumer between deliveries: parked events are retried, old rows deleted, gauges set.

use std::time::Duration;

use chassis::db::DbError;
use tokio::time::Instant;

use super::store::{self, parked, unreadable};
use super::{Handler, Inbox};
use crate::outbox::given_up_for;

const FORGET_EVERY: Duration = Duration::from_secs(3600);
const METER_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Housekeeping {
    forgotten: Option<Instant>,
    metered: Option<Instant>,
}

impl Housekeeping {
    /// Retries parked events that are due, and deletes what is older than the retention.
    pub(super) async fn run<H: Handler>(&mut self, inbox: &Inbox<H>) -> Result<(), DbError> {
        while inbox.retry_parked().await? {}
        self.meter(inbox).await?;
        if self.forgotten.is_some_and(|at| at.elapsed() < FORGET_EVERY) {
            return Ok(());
        }
        let now = inbox.clock.now();
        let given_up = now - given_up_for(inbox.options.remember);
        let mut tx = inbox.db.begin("inbox_forget").await?;
        store::forget(&mut tx, inbox.consumer, now - inbox.options.remember).await?;
        let gone = parked::prune(&mut tx, inbox.consumer, given_up).await?
            + unreadable::prune(&mut tx, inbox.consumer, given_up).await?;
        tx.commit().await?;
        if gone > 0 {
            let consumer = inbox.consumer;
            tracing::warn!(
                consumer,
                count = gone,
                "events that nobody replayed in time were deleted"
            );
        }
        self.forgotten = Some(Instant::now());
        Ok(())
    }

    /// Sets the gauge of unapplied events.
    async fn meter<H: Handler>(&mut self, inbox: &Inbox<H>) -> Result<(), DbError> {
        if self.metered.is_some_and(|at| at.elapsed() < METER_EVERY) {
            return Ok(());
        }
        let mut reader = inbox.db.reader().await?;
        for (state, count) in ["parked", "dead_lettered", "unreadable"]
            .into_iter()
            .zip(store::unapplied(&mut reader, inbox.consumer).await?)
        {
            let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            metrics::gauge!("vestibule_inbox_unapplied_events", "consumer" => inbox.consumer, "state" => state)
                .set(count);
        }
        self.metered = Some(Instant::now());
        Ok(())
    }

    /// The time to wait for news: until the next parked event is due.
    pub(super) async fn wait<H: Handler>(&self, inbox: &Inbox<H>) -> Result<Duration, DbError> {
        let wait = inbox.options.wait;
        let due = parked::next_due(&mut inbox.db.reader().await?, inbox.consumer).await?;
        Ok(due.map_or(wait, |due| due.since(inbox.clock.now()).min(wait)))
    }
}

//! Follows the feed of another service into the inbox.

use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::shutdown::Shutdown;

use super::apply::Origin;
use super::failures::FollowingFailures;
use super::housekeeping::Housekeeping;
use super::store::positions::{self, PositionKey};
use super::{Handler, Inbox, InboxError, Step, bootstrap_marker};
use crate::feed::{FeedError, FeedSource, News};

/// The beginning of a consumer that has no position, or whose position is no longer in the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bootstrap {
    /// With the snapshot.
    #[default]
    Snapshot,
    /// With the oldest event that is there.
    Beginning,
}

/// The options of a consumer. The defaults are for production.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The beginning of a consumer without a position.
    pub bootstrap: Bootstrap,
    /// Events fetched, and applied in one transaction, at most.
    pub batch: i64,
    /// The time that one request waits for news. Below [`crate::feed::MAX_WAIT`].
    pub wait: Duration,
    /// The number of attempts at an event that cannot be applied, before it is given up.
    pub max_attempts: i32,
    /// The pause after the first failure; doubled after each further one.
    pub first_backoff: Duration,
    /// The longest pause between attempts at an event.
    pub longest_backoff: Duration,
    /// The time for which the ids of events are remembered. Sequences are remembered for ever.
    pub remember: Duration,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            bootstrap: Bootstrap::Snapshot,
            batch: 500,
            wait: Duration::from_secs(20),
            max_attempts: 10,
            first_backoff: Duration::from_millis(200),
            longest_backoff: Duration::from_secs(60),
            remember: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Follows a feed. Every replica runs one; the position, moved in the transaction of the effects, keeps them from
/// doing the same work twice.
#[derive(Debug)]
pub struct Consumer<H> {
    inbox: Inbox<H>,
    source: FeedSource,
    position: Option<i64>,
    /// True once the markers of places in brokers are withdrawn.
    alone: bool,
    housekeeping: Housekeeping,
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the feed skipped from position {from} to {to:?}")]
    Skipped { from: i64, to: Option<i64> },
}

impl<H: Handler> Consumer<H> {
    /// A consumer called `name`, which must never change, of the feed at `source`; what `handler` writes goes into
    /// `db`.
    pub fn new(
        name: &'static str,
        source: FeedSource,
        db: Db,
        clock: SharedClock,
        handler: H,
        options: ConsumerOptions,
    ) -> Self {
        Self::of(Inbox::new(name, db, clock, handler, options), source)
    }

    /// A consumer that hands what the feed at `source` brings to `inbox`.
    pub fn of(inbox: Inbox<H>, source: FeedSource) -> Self {
        Self {
            inbox,
            source,
            position: None,
            alone: false,
            housekeeping: Housekeeping::default(),
        }
    }

    /// Follows until `shutdown`. A failure of the feed or of the database is logged and tried again, with pauses of
    /// 2 s at most.
    pub async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            // Dropped in the middle of a transaction: it is rolled back, and done again after the start.
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut failures = FollowingFailures::new(self.inbox.consumer, "the feed cannot be followed", 4);
        loop {
            match self.run_once().await {
                Ok(()) => failures.succeeded(),
                Err(error) => {
                    let pause = failures.failed(&error);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// One request, and what it brings.
    async fn run_once(&mut self) -> Result<(), RunError> {
        if !self.alone {
            bootstrap_marker::withdraw_all(&self.inbox.db, self.inbox.consumer).await?;
            self.alone = true;
        }
        let position = match self.position {
            Some(position) => position,
            None => match self.inbox.position().await? {
                Some(position) => position,
                None => return self.bootstrap(0).await,
            },
        };
        self.position = Some(position);
        self.housekeeping.run(&self.inbox).await?;
        let (batch, wait) = (
            self.inbox.options.batch,
            self.housekeeping.wait(&self.inbox).await?,
        );
        let News { events, last: head } = match self.source.news(position, batch, wait).await {
            Ok(news) => news,
            Err(FeedError::Gone { oldest }) => return self.bootstrap(oldest - 1).await,
            Err(error) => return Err(error.into()),
        };
        let Some(last) = events.last() else {
            self.lags(head, position);
            return Ok(());
        };
        let first = events.first().and_then(|event| event.position);
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        if first != Some(position + 1) || last.position != Some(position + count) {
            return self.skipped(position, first).await;
        }
        let to = position + count;
        let delivered = self
            .inbox
            .deliver(&events, Some(Step { from: position, to }))
            .await;
        self.lags(head, to);
        self.moved(delivered, to)
    }

    /// The feed has a hole, which it never has by itself: somebody deleted events. What they said is in the snapshot.
    async fn skipped(&mut self, from: i64, to: Option<i64>) -> Result<(), RunError> {
        let error = RunError::Skipped { from, to };
        if self.inbox.options.bootstrap == Bootstrap::Beginning {
            return Err(error);
        }
        let consumer = self.inbox.consumer;
        tracing::error!(event.action = "events-missing", consumer, error = %error, "events are missing in the feed");
        self.bootstrap(from).await
    }

    /// Tells how many events are published behind `position`.
    fn lags(&self, head: Option<i64>, position: i64) {
        if let Some(head) = head {
            let lag = u32::try_from(head.saturating_sub(position).max(0)).unwrap_or(u32::MAX);
            metrics::gauge!("vestibule_consumer_lag", "consumer" => self.inbox.consumer).set(f64::from(lag));
        }
    }

    /// Notes where the consumer is after a delivery.
    fn moved<T>(&mut self, outcome: Result<T, InboxError>, to: i64) -> Result<(), RunError> {
        match outcome {
            Ok(_) => {
                self.position = Some(to);
                metrics::gauge!("vestibule_consumer_position", "consumer" => self.inbox.consumer)
                    .set(to as f64);
                Ok(())
            }
            Err(InboxError::Moved) => {
                self.position = None;
                Ok(())
            }
            Err(InboxError::Db(error)) => {
                self.position = None;
                Err(error.into())
            }
        }
    }

    /// Starts anew: from the snapshot, or after position `beginning`.
    async fn bootstrap(&mut self, beginning: i64) -> Result<(), RunError> {
        let key = PositionKey::feed(self.inbox.consumer);
        let mut tx = self.inbox.db.begin("inbox_ensure_row").await?;
        let from = positions::ensure_row(&mut tx, &key, self.inbox.clock.now()).await?;
        tx.commit().await?;
        let consumer = self.inbox.consumer;
        if self.inbox.options.bootstrap == Bootstrap::Beginning {
            if from != positions::NOWHERE {
                tracing::error!(
                    event.action = "events-pruned",
                    event.outcome = "failure",
                    consumer,
                    from,
                    to = beginning,
                    "events were pruned before they were read"
                );
            }
            let step = Step { from, to: beginning };
            return self.moved(self.inbox.deliver(&[], Some(step)).await, beginning);
        }
        tracing::info!(consumer, "consumer starts with a snapshot");
        let mut page = self.source.snapshot(None).await?;
        // What is published after this moment is not sure to be in the later pages, so it is read from the feed.
        let to = page.position;
        loop {
            let last = page.next.is_none();
            let step = Step {
                from,
                to: if last { to } else { from },
            };
            let outcome = self
                .inbox
                .deliver_from(Origin::Snapshot, &page.events, Some(step))
                .await;
            match (outcome, page.next) {
                (Ok(_), Some(next)) => page = self.source.snapshot(Some(&next)).await?,
                (outcome, _) => return self.moved(outcome, to),
            }
        }
    }
}

//! The reconciler: finds where a follower differs from the service that it follows, and repairs it.
//!
//! The outbox and the inbox lose nothing. Backups that are older than each other do, and hands in a database, and a
//! broker whose disk is gone. So every follower compares, every ten minutes say: the followed service serves a digest
//! of each thousand of its aggregates and their versions, and where the follower's own digest differs, the versions
//! are compared one by one.
//!
//! A difference that is gone at a second look was an event on its way. One that stays is drift. What the follower lacks
//! is repaired with the current state, applied by its own handler; what only the follower has is reported and never
//! deleted: which side is right is for people to say.

mod client;
mod compare;
mod comparison;
mod digest;
mod holdings;
mod reconciler_handle;
mod report;
pub(crate) mod serve;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use tokio::time::{Instant, sleep_until};

use client::ReconcileClient;
pub use client::current_states;
pub use compare::{Difference, Kind};
pub use holdings::{Held, Holdings};
pub use reconciler_handle::ReconcilerHandle;
pub use report::{ReconcileError, Report};
pub use serve::MAX_IDS;
pub(crate) use serve::routes;

use crate::feed::FeedSource;
use crate::inbox::{Handler, Inbox};

/// The pause before the next try when the consumer was not caught up, or the other service was away.
const SOON: Duration = Duration::from_secs(60);

/// The treatment of the differences that a comparison finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepairMode {
    /// Nothing: it is only reported.
    Nothing,
    /// Differences that are still there at a second look are repaired.
    Drift,
    /// All that the follower lacks is repaired at the first look, also when an event with the same is on its way.
    AtOnce,
}

impl From<bool> for RepairMode {
    fn from(repair: bool) -> Self {
        if repair { Self::Drift } else { Self::Nothing }
    }
}

/// The options of a reconciler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The time between two comparisons; never by itself without it.
    pub(crate) every: Option<Duration>,
    /// The time from the start, or from a connection to a broker, to the comparison: the consumer catches up
    /// first.
    pub(crate) settle: Duration,
    /// The time between two looks at a difference.
    pub(crate) second_look: Duration,
    /// The longest wait until the consumer has applied what was published before the comparison.
    pub(crate) patience: Duration,
    /// True if the consumer's position tells how far it is: it follows the feed.
    pub(crate) positions: bool,
}

impl Options {
    /// For production. Within the time that a request may take, because somebody may ask by one.
    pub(crate) fn new(every: Option<Duration>, positions: bool) -> Self {
        Self {
            every,
            settle: Duration::from_secs(20),
            second_look: Duration::from_secs(3),
            patience: Duration::from_secs(15),
            positions,
        }
    }
}

/// Compares what one consumer holds with the service that it follows. Every replica runs one; they take turns.
pub(crate) struct Reconciler<H> {
    inbox: Inbox<H>,
    client: ReconcileClient,
    holdings: Arc<dyn Holdings>,
    handle: ReconcilerHandle,
    options: Options,
}

impl<H: Handler> Reconciler<H> {
    pub(crate) fn new(
        inbox: Inbox<H>,
        source: FeedSource,
        holdings: Arc<dyn Holdings>,
        handle: ReconcilerHandle,
        options: Options,
    ) -> Self {
        Self {
            inbox,
            client: ReconcileClient(source),
            holdings,
            handle,
            options,
        }
    }

    /// Compares on schedule, after the consumer has connected to a broker, and when somebody asks, until `shutdown`.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.serve() => {}
        }
    }

    async fn serve(&self) {
        // From zero on: a rate over a counter that appears with its first increment misses that increment.
        for kind in [Kind::Missing, Kind::Behind] {
            count_repaired(self.inbox.consumer(), kind, 0);
        }
        let asked = self.handle.asked();
        let mut asked = asked.lock().await;
        let Options { every, settle, .. } = self.options;
        let mut due = every.map(|every| Instant::now() + settle.min(every));
        // How long ago another replica may have compared for that to do.
        let mut rest = settle;
        let mut failures = Backoff::new("the services cannot be compared").of_consumer(self.inbox.consumer());
        loop {
            let reached = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ask) = asked.recv() => {
                    // Nothing is done for somebody who has gone. One who goes meanwhile has the note of the report.
                    if !ask.answer.is_closed() {
                        let _ = ask.answer.send(self.compare_as(ask.repair_mode).await);
                    }
                    continue;
                }
                () = self.handle.consumer().until_connected() => {
                    due = due.map(|due| due.min(Instant::now() + settle));
                    rest = settle;
                    continue;
                }
                () = reached => {}
            }
            let pause = self.compare_if_due(rest, &mut failures).await;
            due = every.map(|every| Instant::now() + pause.unwrap_or(every));
            rest = pause.map_or(every.unwrap_or_default() / 2, |_| rest.min(SOON / 2));
        }
    }

    /// A scheduled comparison, unless another replica made it within `rest`. Answers when to try again, if before the usual time.
    async fn compare_if_due(&self, rest: Duration, failures: &mut Backoff) -> Option<Duration> {
        let consumer = self.inbox.consumer();
        let outcome = self.scheduled(rest).await;
        if outcome.is_ok() {
            failures.succeeded();
        }
        match outcome {
            Ok(Some(report)) if !report.caught_up => {
                tracing::info!(consumer, "reconciliation waits until the consumer has caught up");
                Some(SOON)
            }
            Ok(_) => None,
            Err(error) => {
                failed(consumer, failures, &error);
                Some(SOON)
            }
        }
    }

    async fn scheduled(&self, rest: Duration) -> Result<Option<Report>, ReconcileError> {
        let (db, consumer) = (self.inbox.db(), self.inbox.consumer());
        let now = self.inbox.clock().now();
        let mut tx = db.begin("reconcile_claim").await?;
        let mine = store::claim(&mut tx, consumer, now, now - rest).await?;
        tx.commit().await?;
        if mine {
            return self.compare(true).await.map(Some);
        }
        let mut reader = db.reader().await?;
        if let Some(report) = store::last(&mut reader, consumer).await? {
            record_metrics(consumer, &report);
        }
        Ok(None)
    }

    /// Compares everything, notes what was found, and tells it.
    pub(crate) async fn compare(&self, repair: bool) -> Result<Report, ReconcileError> {
        self.compare_as(repair.into()).await
    }

    pub(crate) async fn compare_as(&self, repair_mode: RepairMode) -> Result<Report, ReconcileError> {
        let report = self.compare_all(repair_mode).await?;
        let consumer = self.inbox.consumer();
        if report.caught_up && repair_mode != RepairMode::Nothing {
            self.note(&report).await?;
            record_metrics(consumer, &report);
        }
        for (kind, count) in &report.repaired {
            count_repaired(consumer, *kind, *count);
        }
        log_report(consumer, &report);
        Ok(report)
    }

    async fn note(&self, report: &Report) -> Result<(), DbError> {
        let mut tx = self.inbox.db().begin("reconcile_note").await?;
        store::put_report(&mut tx, self.inbox.consumer(), report).await?;
        tx.commit().await
    }
}

/// A function of its own, so that the future that calls it stays `Send`.
fn failed(consumer: &'static str, failures: &mut Backoff, error: &ReconcileError) {
    failures.failed(error);
    metrics::counter!("vestibule_reconcile_failures_total", "consumer" => consumer).increment(1);
}

fn count_repaired(consumer: &'static str, kind: Kind, count: u64) {
    metrics::counter!("vestibule_reconcile_repaired_total", "consumer" => consumer, "kind" => kind.as_str())
        .increment(count);
}

fn log_report(consumer: &'static str, report: &Report) {
    for difference in &report.differences {
        tracing::error!(
            event.action = "drift-found",
            event.outcome = "failure",
            consumer,
            aggregate = %difference.id,
            vestibule.drift = difference.kind.as_str(),
            theirs = difference.theirs,
            ours = difference.ours,
            "drift between the services could not be repaired",
        );
    }
    if !report.repaired.is_empty() {
        tracing::warn!(consumer, event.action = "drift-repaired", event.outcome = "success", repaired = ?report.repaired, "drift between the services was repaired");
    }
}

fn record_metrics(consumer: &'static str, report: &Report) {
    for kind in Kind::ALL {
        let left = f64::from(u32::try_from(report.left(kind)).unwrap_or(u32::MAX));
        metrics::gauge!("vestibule_reconcile_drift", "consumer" => consumer, "kind" => kind.as_str())
            .set(left);
    }
    let at = f64::from(u32::try_from(report.at.as_secs()).unwrap_or(u32::MAX));
    metrics::gauge!("vestibule_reconcile_last_success_timestamp_seconds", "consumer" => consumer).set(at);
}

impl<H> std::fmt::Debug for Reconciler<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciler")
            .field("inbox", &self.inbox)
            .finish_non_exhaustive()
    }
}

//! The Prometheus metrics of webhooks. No label names a webhook, an address or a person.

use std::time::Duration;

use chassis::db::DbError;
use tokio::time::Instant;

use super::Webhooks;
use super::store::log;

/// Counting costs; a scrape comes every few seconds.
const EVERY: Duration = Duration::from_secs(5);
/// Of a long backlog it takes long: so many times as long, nothing is counted.
const AT_MOST: u32 = 20;

/// Counts an attempt, by its outcome.
pub(super) fn attempted(outcome: &'static str) {
    metrics::counter!("vestibule_webhook_deliveries_total", "outcome" => outcome).increment(1);
}

/// Events that a webhook was too late for: the feed did not have them any more.
pub(super) fn missed(events: i64) {
    metrics::counter!("vestibule_webhook_events_missed_total").increment(events.unsigned_abs());
}

#[derive(Debug)]
pub(super) struct Metering {
    due: Instant,
}

impl Metering {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Measures the deliveries that wait and those that were given up, every few seconds.
    pub(super) async fn measure(&mut self, webhooks: &Webhooks) -> Result<(), DbError> {
        if Instant::now() < self.due {
            return Ok(());
        }
        let started = Instant::now();
        let mut reader = webhooks.shared.db.reader().await?;
        let (pending, oldest, dead) = log::depth(&mut reader).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| webhooks.now().since(oldest));
        metrics::gauge!("vestibule_webhook_deliveries_pending").set(to_f64(pending));
        metrics::gauge!("vestibule_webhook_oldest_pending_seconds").set(age.as_secs_f64());
        metrics::gauge!("vestibule_webhook_deliveries_dead_lettered").set(to_f64(dead));
        self.due = Instant::now() + EVERY.max(started.elapsed() * AT_MOST);
        Ok(())
    }
}

/// A count as a gauge wants it; beyond 2³² the exact figure no longer matters.
fn to_f64(count: i64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

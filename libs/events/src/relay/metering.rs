//! The Prometheus metrics of the relay.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};
use chassis::telemetry::catalogue::init_series;
use tokio::time::Instant;

use super::store::{self, PublishFailure};

/// Counting a deep outbox costs; a scrape comes every few seconds.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Metering {
    transport: &'static str,
    due: Instant,
}

impl Metering {
    pub(super) fn new(transport: &'static str) -> Self {
        init_series(crate::METRICS, "transport", transport);
        Self {
            transport,
            due: Instant::now(),
        }
    }

    /// Depth, age and dead letters, measured every few seconds.
    pub(super) async fn measure(&mut self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        if Instant::now() < self.due {
            return Ok(());
        }
        let mut reader = db.reader().await?;
        let (depth, oldest) = store::depth(&mut reader).await?;
        let dead = store::dead(&mut reader).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        metrics::gauge!("vestibule_outbox_depth").set(to_f64(depth));
        metrics::gauge!("vestibule_outbox_age_seconds").set(age.as_secs_f64());
        metrics::gauge!("vestibule_outbox_dead_letters").set(to_f64(dead));
        self.due = Instant::now() + EVERY;
        Ok(())
    }

    pub(super) fn leases(&self, count: usize) {
        metrics::gauge!("vestibule_relay_leases").set(to_f64(count));
    }

    pub(super) fn batch(&self, sent: usize, failures: &[PublishFailure]) {
        let dead = failures
            .iter()
            .filter(|failure| failure.dead_lettered_at.is_some())
            .count();
        metrics::counter!("vestibule_events_published_total", "transport" => self.transport)
            .increment(sent as u64);
        metrics::counter!("vestibule_events_publish_failures_total", "transport" => self.transport)
            .increment(failures.len() as u64);
        metrics::counter!("vestibule_events_dead_lettered_total", "transport" => self.transport)
            .increment(dead as u64);
    }

    pub(super) fn stopped(&self) {
        self.leases(0);
    }
}

/// A count as a gauge wants it; beyond 2³² the exact figure no longer matters.
fn to_f64(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

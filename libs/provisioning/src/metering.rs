//! The Prometheus metrics of outbound provisioning. No label names a target or a person.

use std::time::Duration;

use chassis::db::DbError;
use tokio::time::Instant;

use super::Provisioning;
use super::store::figures;

/// Counting costs; a scrape comes every few seconds.
const EVERY: Duration = Duration::from_secs(5);
/// Of a long backlog it takes long: so many times as long, nothing is counted.
const AT_MOST: u32 = 20;

/// Counts a push, by its outcome.
pub(crate) fn pushed(outcome: &'static str) {
    metrics::counter!("vestibule_provisioning_pushes_total", "outcome" => outcome).increment(1);
}

#[derive(Debug)]
pub(crate) struct Metering {
    due: Instant,
}

impl Metering {
    pub(crate) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Measures what waits and what was given up, every few seconds.
    pub(crate) async fn measure(&mut self, provisioning: &Provisioning) -> Result<(), DbError> {
        if Instant::now() < self.due {
            return Ok(());
        }
        let started = Instant::now();
        let mut reader = provisioning.shared.db.reader().await?;
        let (waiting, oldest, dead) = figures::depth(&mut reader).await?;
        let unauthorized = figures::unauthorized_targets(&mut reader).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| provisioning.now().since(oldest));
        metrics::gauge!("vestibule_provisioning_resources_waiting").set(to_f64(waiting));
        metrics::gauge!("vestibule_provisioning_oldest_waiting_seconds").set(age.as_secs_f64());
        metrics::gauge!("vestibule_provisioning_resources_dead_lettered").set(to_f64(dead));
        metrics::gauge!("vestibule_provisioning_targets_unauthorized").set(to_f64(unauthorized));
        self.due = Instant::now() + EVERY.max(started.elapsed() * AT_MOST);
        Ok(())
    }
}

/// A count as a gauge wants it; beyond 2³² the exact figure no longer matters.
fn to_f64(count: i64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

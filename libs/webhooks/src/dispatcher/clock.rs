//! Corrections after a clock has gone back: due times that lie further ahead than any can.

use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::db::DbError;
use tokio::time::Instant;

use super::super::store::queue;
use super::super::{Webhooks, schedule};

/// The interval of the checks for times that a clock that was ahead has written.
const EVERY: Duration = Duration::from_secs(60);

/// Watches the clock, and lets nothing wait for a moment that it named when it was ahead.
#[derive(Debug)]
pub(super) struct ClockWatch {
    /// The latest moment that the clock has shown.
    latest: Option<Timestamp>,
    due: Instant,
}

impl ClockWatch {
    pub(super) fn new() -> Self {
        Self {
            latest: None,
            due: Instant::now(),
        }
    }

    /// At the start, when the clock has gone back, and every minute: makes due what waits for longer than anything can.
    pub(super) async fn follow(&mut self, webhooks: &Webhooks, lease: Duration) -> Result<(), DbError> {
        let now = webhooks.now();
        let went_back = self.latest.is_some_and(|latest| now + SKEW < latest);
        if self.due > Instant::now() && !went_back {
            self.latest = self.latest.max(Some(now));
            return Ok(());
        }
        let mut tx = webhooks.shared.db.begin("webhook_clock").await?;
        let held = queue::clock(&mut tx).await?;
        let cut = queue::cut_short(&mut tx, (now, held), schedule::LONGEST_WAIT, lease).await?;
        tx.commit().await?;
        if cut > 0 {
            tracing::warn!(
                count = cut,
                "clock went back: due times of webhook deliveries corrected"
            );
        }
        self.due = Instant::now() + EVERY;
        self.latest = Some(now);
        Ok(())
    }
}

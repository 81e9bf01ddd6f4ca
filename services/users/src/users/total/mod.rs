//! The number of users, without counting them (ADR 0037).

mod store;

use std::time::Duration;

use chassis::db::DbError;
use chassis::shutdown::Shutdown;

use super::Users;
pub(super) use store::{change, read};

/// The interval at which a replica adds the changes to the total.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// The number of intervals after which a replica counts everybody: an hour.
const RECOUNT_AFTER: u32 = 720;

impl Users {
    /// Adds the changes to the total until `shutdown`. Everybody is counted at the start and every hour, because a version that
    /// does not count may have been at work beside this one.
    pub(crate) async fn fold_total_on_schedule(self, shutdown: Shutdown) {
        let mut tick = tokio::time::interval(FOLD_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            let done = match ticks % RECOUNT_AFTER {
                0 => self.recount().await,
                _ => self.fold_total().await,
            };
            ticks = ticks.wrapping_add(1);
            if let Err(error) = done {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the number of users could not be updated: retried in {} s",
                    FOLD_EVERY.as_secs()
                );
            }
        }
    }

    /// Adds the changes to the total.
    pub(super) async fn fold_total(&self) -> Result<(), DbError> {
        if !store::has_changes(&mut self.db.reader().await?).await? {
            return Ok(());
        }
        let mut tx = self.db.begin("fold_user_total").await?;
        store::fold(&mut tx).await?;
        tx.commit().await
    }

    /// Counts everybody.
    pub(super) async fn recount(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin("recount_users").await?;
        store::recount(&mut tx).await?;
        tx.commit().await
    }
}

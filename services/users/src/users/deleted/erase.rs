//! Erasure: of users whose grace period is over, by a background task, and of one user at once.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use contract::UserId;

use super::store;
use crate::schedule::run_every_minute;
use crate::users::{UserError, Users};

/// Users who are erased in one transaction.
const BATCH: i64 = 100;
/// The time from the moment at which the end of a grace period is noticed until the erasure. A clock that jumps ahead for a shorter time
/// erases nobody (SB-50).
pub(super) const CONFIRMED_AFTER: Duration = Duration::from_secs(3600);

impl Users {
    /// Erases users whose grace period is over: now, and every minute until `shutdown`. Replicas share the rows: each skips those
    /// that another one has locked.
    pub(crate) async fn erase_on_schedule(self, shutdown: Shutdown) {
        let work = || self.erase_due(&shutdown);
        run_every_minute(&shutdown, "erasing deleted users", work).await;
    }

    /// Erases users whose grace period is over, batch by batch.
    ///
    /// # Errors
    /// When the database fails; batches that were committed stay.
    pub(super) async fn erase_due(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        if !store::any(&mut self.db.reader().await?).await? {
            return Ok(());
        }
        self.note_due(self.clock.now()).await?;
        while !shutdown.is_cancelled() {
            if self.erase_batch().await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Notes for whom the end of the grace period is noticed now, and for whom it is not over although it was noticed: the clock has
    /// gone back since, or the grace period is longer now.
    async fn note_due(&self, now: Timestamp) -> Result<(), DbError> {
        let mut tx = self.db.begin("note_due_users").await?;
        let before = self.grace.due_before(now);
        let changed =
            store::clear_due(&mut tx, before, now).await? + store::note_due(&mut tx, before, now).await?;
        match changed {
            0 => Ok(()),
            _ => tx.commit().await,
        }
    }

    async fn erase_batch(&self) -> Result<usize, DbError> {
        let now = self.clock.now();
        let mut tx = self.db.begin("erase_users").await?;
        let before = self.grace.due_before(now);
        let due = store::take_due(&mut tx, before, now - CONFIRMED_AFTER, BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        for (id, version) in &due {
            self.append_deleted(&mut tx, *id, version.saturating_add(1))
                .await?;
        }
        tx.commit().await?;
        for (id, _) in &due {
            log_erased(*id, "the grace period is over");
        }
        Ok(due.len())
    }

    /// Erases a deleted user at once.
    ///
    /// # Errors
    /// [`UserError::NotFound`] when the user is not deleted, or erased already.
    pub(crate) async fn erase(&self, id: UserId) -> Result<(), UserError> {
        let mut tx = self.db.begin("erase_user").await?;
        let version = store::take_version(&mut tx, id)
            .await?
            .ok_or(UserError::NotFound)?;
        self.append_deleted(&mut tx, id, version.saturating_add(1))
            .await?;
        tx.commit().await?;
        log_erased(id, "an administrator asked for it");
        Ok(())
    }
}

fn log_erased(id: UserId, reason: &'static str) {
    tracing::info!(event.action = "user-erased", event.outcome = "success", event.reason = reason, user.target.id = %id, "a deleted user was erased");
}

//! The sign-in gate: after a restoration, sign-in is closed until this service has been reconciled with the
//! user service.
//!
//! The backup may have accounts, with their passwords, that were deleted or disabled since.
//!
//! Meanwhile every route that signs people in returns 503. The service stays ready and serves everything
//! else, because the user service needs its key set before it can be reconciled with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::DbError;
use chassis::health::Health;
use chassis::shutdown::Shutdown;
use events::reconcile::{Kind, ReconcileError, Report};
use events::restore::{is_catching_up, note_caught_up};
use uuid::Uuid;

use super::Restore;

/// The note of the readiness probe while sign-in is closed.
const READINESS_NOTE: &str = "restored: sign-in is closed until the user service was heard";
/// The message for people and programs while sign-in is closed.
pub(crate) const CLOSED_MESSAGE: &str = "The service was restored from a backup and is catching up with what happened since. Please try again in a moment.";
/// The value of `Retry-After` while sign-in is closed.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// The first and the longest pause between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// The number of failures that are not logged as errors, because the user service may be starting.
const TOLERATED_FAILURES: u32 = 4;
/// The number of reconciliations with remaining differences after which the remaining accounts are suspended
/// and sign-in is opened for the others.
const ATTEMPTS_BEFORE_SUSPENDING: u32 = 3;

/// The state of sign-in after a restoration: open or closed. It is open by default and cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SignInGate(Arc<AtomicBool>);

impl SignInGate {
    /// True if sign-in is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_closed(&self, closed: bool) {
        self.0.store(closed, Ordering::Release);
        metrics::gauge!("vestibule_restoration_pending").set(f64::from(u8::from(closed)));
    }
}

/// The reason why sign-in stays closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatchUpError {
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("{0} people could not be brought up to date")]
    Unrepaired(u64),
}

impl Restore {
    /// Closes sign-in when this database was restored and has not been reconciled since. It is called after
    /// [`Self::after_restore`] and before anything is served.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn close_sign_in(&self, health: &Health) -> Result<(), DbError> {
        let pending = is_catching_up(&mut self.db.reader().await?).await?;
        self.gate.set_closed(pending);
        if pending {
            health.add_note(READINESS_NOTE);
            tracing::warn!(
                "sign-in is closed until the user service was heard, because the database was restored"
            );
        }
        Ok(())
    }

    /// Reconciles with the user service and opens sign-in, when it is closed. Every replica runs it, and it is
    /// idempotent.
    pub(crate) async fn open_sign_in(self, health: Health, shutdown: Shutdown) {
        let mut failures =
            Backoff::new("sign-in stays closed: a restored service cannot catch up with the user service")
                .with_pauses(BACKOFF.0, BACKOFF.1)
                .tolerating(TOLERATED_FAILURES);
        let mut failed_attempts = 0;
        while self.gate.is_closed() {
            let outcome = tokio::select! {
                outcome = self.catch_up(failed_attempts >= ATTEMPTS_BEFORE_SUSPENDING) => outcome,
                () = shutdown.cancelled() => return,
            };
            let Err(error) = outcome else {
                failures.succeeded();
                self.gate.set_closed(false);
                health.remove_note(READINESS_NOTE);
                tracing::info!("the restored service has caught up with the user service; sign-in is open");
                return;
            };
            failed_attempts += u32::from(matches!(error, CatchUpError::Unrepaired(_)));
            let pause = failures.failed(&error);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Reconciles with the user service. Accounts that cannot be repaired keep sign-in closed, unless
    /// `suspending` is set: then they are suspended instead.
    async fn catch_up(&self, suspending: bool) -> Result<(), CatchUpError> {
        if !is_catching_up(&mut self.db.reader().await?).await? {
            // Another replica has done it.
            return Ok(());
        }
        let report = self.operations.reconciliation().catch_up().await?;
        self.open_after_reconciliation(&report, suspending).await
    }

    /// Opens sign-in after a reconciliation, or says why it stays closed.
    pub(super) async fn open_after_reconciliation(
        &self,
        report: &Report,
        suspending: bool,
    ) -> Result<(), CatchUpError> {
        let left = report.left(Kind::Missing) + report.left(Kind::Behind);
        let named = report
            .differences
            .iter()
            .filter(|difference| difference.kind.is_repairable());
        let mut named: Vec<Uuid> = named.map(|difference| difference.id).collect();
        // Accounts are locked by the order of their ids.
        named.sort_unstable();
        // A report that names only some of the differences points to a general failure rather than to single
        // accounts.
        if left > 0 && (!suspending || named.len() as u64 != left) {
            return Err(CatchUpError::Unrepaired(left));
        }
        let mut tx = self.db.begin("caught_up").await?;
        for id in &named {
            self.provisioning.suspend(&mut tx, *id).await?;
        }
        note_caught_up(&mut tx).await?;
        tx.commit().await?;
        for id in named {
            tracing::error!(
                event.action = "user-suspended",
                event.outcome = "success",
                user.target.id = %id,
                "user suspended after the restoration: the state that the user service holds cannot be applied"
            );
        }
        let unknown = report.left(Kind::Unknown);
        if unknown > 0 {
            tracing::error!(
                people = unknown,
                "the restored service has people whom the user service does not know; they can sign in"
            );
        }
        Ok(())
    }
}

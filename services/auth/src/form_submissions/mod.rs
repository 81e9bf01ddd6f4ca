//! Form submissions of the last seconds, for idempotency on a double click.
//!
//! A double click sends a form twice. The second submission gets the outcome of the first one, whichever
//! replicas they reach. A row has a keyed hash of the form and the id of its outcome: nothing that could be
//! replayed, and nothing that was typed.

mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::backoff::exponential_pause;
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
pub(crate) use store::delete_all;
use uuid::Uuid;

/// The time within which a repeated form counts as the same submission.
pub const WINDOW: Duration = Duration::from_secs(10);

/// The backoff between two queries for the outcome of the first submission: it doubles up to the longest
/// pause.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// The key of a form submission: an HMAC of its token, the browser's cookie and its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionKey(pub(crate) [u8; 32]);

/// The outcome of a form submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionOutcome {
    /// A sign-in, with the id of its session.
    SignedIn(Uuid),
    /// A pending registration, with its id.
    Registering(Uuid),
}

/// The state of a form submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// It did not come within [`WINDOW`], or it had no outcome because the form was shown again with errors.
    Unknown,
    /// It is in progress.
    InProgress,
    /// It is done, with this outcome.
    Done(SubmissionOutcome),
}

/// The claim of the first submission of a form. Its holder has to finish
/// ([`FormSubmissions::finish`]) or to release it ([`FormSubmissions::release`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionClaim {
    key: SubmissionKey,
    /// Distinguishes this claim from a later one of the same form.
    expires_at: Timestamp,
}

/// The form submissions of the last seconds.
#[derive(Clone)]
pub struct FormSubmissions {
    db: Db,
    clock: SharedClock,
}

impl FormSubmissions {
    /// The form submissions that stand in `db`.
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock }
    }

    /// Claims a form submission. Returns `None` when the form came before within [`WINDOW`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, key: SubmissionKey) -> Result<Option<SubmissionClaim>, DbError> {
        let now = self.clock.now();
        let expires_at = now + WINDOW;
        let mut tx = self.db.begin_shared("form_submission").await?;
        let first = store::claim(&mut tx, key, now, expires_at).await?;
        tx.commit().await?;
        Ok(first.then_some(SubmissionClaim { key, expires_at }))
    }

    /// Records the outcome of a claimed submission. It does nothing when the claim has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&self, claim: SubmissionClaim, outcome: SubmissionOutcome) -> Result<(), DbError> {
        let mut tx = self.db.begin_shared("form_submission_done").await?;
        store::finish(&mut tx, claim, outcome).await?;
        tx.commit().await
    }

    /// Deletes a claimed submission that has no outcome. It does nothing when the claim has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, claim: SubmissionClaim) -> Result<(), DbError> {
        let mut tx = self.db.begin_shared("form_submission_released").await?;
        store::release(&mut tx, claim).await?;
        tx.commit().await
    }

    /// The state of a submission now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, DbError> {
        let mut reader = self.db.reader().await?;
        let row = store::find(&mut reader, key, self.clock.now()).await?;
        Ok(row.map_or(SubmissionState::Unknown, SubmissionState::from))
    }

    /// Waits until a submission is not in progress any more, for [`WINDOW`] at most. Returns its state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait_until_done(&self, key: SubmissionKey) -> Result<SubmissionState, DbError> {
        let mut pauses = 0;
        let mut waited = Duration::ZERO;
        loop {
            let state = self.state(key).await?;
            if state != SubmissionState::InProgress || waited >= WINDOW {
                return Ok(state);
            }
            let pause = exponential_pause(FIRST_PAUSE, LONGEST_PAUSE, pauses);
            tokio::time::sleep(pause).await;
            waited += pause;
            pauses += 1;
        }
    }
}

/// Deletes expired submissions. Returns their number.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::sweep(tx, now).await
}

//! Forms that were sent a moment ago. A double click sends a form twice; the second is answered with what came of the first
//! one, whichever replicas they reach. What is kept is a keyed hash of the form and the id of what came of it: nothing that
//! could be sent again, and nothing that was typed.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use uuid::Uuid;

use crate::app::App;

/// How long a form that comes again is the same click.
pub const WINDOW: Duration = Duration::from_secs(10);

/// How often it is asked whether the first of two is done; each pause is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// What names a form that was sent: an HMAC of its token, the browser's cookie and its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionKey(pub(crate) [u8; 32]);

/// What came of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionOutcome {
    /// A sign-in: the id of its session.
    SignedIn(Uuid),
    /// A registration that goes on: its id.
    Registering(Uuid),
}

/// How far a form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// It did not come within [`WINDOW`], or nothing came of it: it was shown again, with what is wrong.
    Unknown,
    /// It is in work.
    InProgress,
    /// It is done.
    Done(SubmissionOutcome),
}

/// The right and the duty of whoever handles a form first: to [`finish`] or to [`release`] it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionClaim {
    key: SubmissionKey,
    /// Tells this claim from a later one of the same form.
    expires_at: Timestamp,
}

/// A claim, if this is the first time within [`WINDOW`] that the form comes.
///
/// # Errors
/// When the database fails.
pub async fn claim(app: &App, key: SubmissionKey) -> Result<Option<SubmissionClaim>, DbError> {
    let now = app.clock.now();
    let expires_at = now + WINDOW;
    let mut tx = app.db.begin("form_submission").await?;
    let first = store::claim(&mut tx, key, now, expires_at).await?;
    tx.commit().await?;
    Ok(first.then_some(SubmissionClaim { key, expires_at }))
}

/// Says what came of the form. Nothing happens when the claim is over.
///
/// # Errors
/// When the database fails.
pub async fn finish(app: &App, claim: SubmissionClaim, outcome: SubmissionOutcome) -> Result<(), DbError> {
    let mut tx = app.db.begin("form_submission_done").await?;
    store::finish(&mut tx, claim, outcome).await?;
    tx.commit().await
}

/// Forgets a form of which nothing came. Nothing happens when the claim is over.
///
/// # Errors
/// When the database fails.
pub async fn release(app: &App, claim: SubmissionClaim) -> Result<(), DbError> {
    let mut tx = app.db.begin("form_submission_released").await?;
    store::release(&mut tx, claim).await?;
    tx.commit().await
}

/// How far the form is at this moment.
///
/// # Errors
/// When the database fails.
pub async fn state(app: &App, key: SubmissionKey) -> Result<SubmissionState, DbError> {
    let mut reader = app.db.reader().await?;
    let row = store::find(&mut reader, key, app.clock.now()).await?;
    Ok(row.map_or(SubmissionState::Unknown, SubmissionState::from))
}

/// How far the form is as soon as it is not in work any more, or after [`WINDOW`].
///
/// # Errors
/// When the database fails.
pub async fn wait_until_done(app: &App, key: SubmissionKey) -> Result<SubmissionState, DbError> {
    let mut pause = FIRST_PAUSE;
    let mut waited = Duration::ZERO;
    loop {
        let state = state(app, key).await?;
        if state != SubmissionState::InProgress || waited >= WINDOW {
            return Ok(state);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Removes what is over. How much.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::sweep(tx, now).await
}

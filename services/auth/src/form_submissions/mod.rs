//! Forms that were sent a moment ago. A double click sends a form twice; the second is led to where the first one led,
//! whichever replicas they reach. What is kept is a keyed hash of the form and where it led: nothing that could be sent
//! again.

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

/// Where a form led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// The path that the browser was sent to.
    pub location: String,
    /// The session that it signed in with.
    pub session: Option<Uuid>,
    /// The registration that it waits for.
    pub registration: Option<Uuid>,
}

/// Whether this is the first time within [`WINDOW`] that the form comes. Whoever is told so must call [`led`] or
/// [`release`].
///
/// # Errors
/// When the database fails.
pub async fn claim(app: &App, key: SubmissionKey) -> Result<bool, DbError> {
    let now = app.clock.now();
    let mut tx = app.db.begin("form_submission").await?;
    let first = store::claim(&mut tx, key, now, now + WINDOW).await?;
    tx.commit().await?;
    Ok(first)
}

/// Says where the form led.
///
/// # Errors
/// When the database fails.
pub async fn led(app: &App, key: SubmissionKey, led: &Led) -> Result<(), DbError> {
    let mut tx = app.db.begin("form_submission_led").await?;
    store::led(&mut tx, key, led).await?;
    tx.commit().await
}

/// Forgets a form that led nowhere: it was shown again, with what is wrong.
///
/// # Errors
/// When the database fails.
pub async fn release(app: &App, key: SubmissionKey) -> Result<(), DbError> {
    let mut tx = app.db.begin("form_submission_released").await?;
    store::release(&mut tx, key).await?;
    tx.commit().await
}

/// Where the form led that came before, after waiting until that is known; `None` when none came, or it led nowhere.
///
/// # Errors
/// When the database fails.
pub async fn outcome(app: &App, key: SubmissionKey) -> Result<Option<Led>, DbError> {
    let mut pause = FIRST_PAUSE;
    let mut waited = Duration::ZERO;
    loop {
        let mut reader = app.db.reader().await?;
        let found = store::find(&mut reader, key, app.clock.now()).await?;
        drop(reader);
        match found {
            None => return Ok(None),
            Some(store::Row {
                location: Some(location),
                session_id,
                registration_id,
            }) => {
                return Ok(Some(Led {
                    location,
                    session: session_id,
                    registration: registration_id,
                }));
            }
            Some(_) if waited >= WINDOW => return Ok(None),
            Some(_) => {}
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

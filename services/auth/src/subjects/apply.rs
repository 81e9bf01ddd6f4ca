//! What follows from a change of a person.

use chassis::db::{DbError, Tx};
use contract::{SessionEnd, SubjectErased, UserState};
use events::restore::first_sequence;
use uuid::Uuid;

use super::store;
use crate::accounts::{self, append_event_at};
use crate::app::App;
use crate::throttle::{self, Key};
use crate::{registration, sessions, setup};

/// Takes over a person's state: completes the registration that led to it, and ends what a disabled person has open.
/// An older state than the one known, and one of an erased person, change nothing. Whose registration was refused is erased:
/// the user service was restored from a backup and decided anew, and nobody waits for that person any more.
///
/// # Errors
/// When the database fails.
pub(crate) async fn apply_state(app: &App, tx: &mut Tx, state: &UserState) -> Result<(), DbError> {
    if !store::upsert_if_newer(tx, state).await? {
        return Ok(());
    }
    if registration::store::was_rejected(tx, state.id).await? {
        tracing::warn!(user.id = %state.id, "a registration that was refused has made a person after all, who is erased");
        return erase(app, tx, state.id).await;
    }
    accounts::store::ensure_row(tx, state.id, app.clock.now()).await?;
    registration::complete(app, tx, state.id).await?;
    if !state.active {
        sessions::end_all(app, tx, state.id, SessionEnd::Deactivated).await?;
    }
    Ok(())
}

/// Lets a person not sign in, and ends what they have open, until a newer state of theirs is taken over. Not told: it says
/// nothing of the person, but that this service knows too little of them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn suspend(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    if store::deactivate(tx, id).await? {
        sessions::end_all(app, tx, id, SessionEnd::Deactivated).await?;
    }
    Ok(())
}

/// Erases a person: credentials, sessions, tokens, devices and personal data. The id is kept, and told with
/// `subject.erased`, once.
///
/// # Errors
/// When the database fails.
pub(crate) async fn erase(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let now = app.clock.now();
    // The person first, then the account: the order in which a session that starts holds them.
    let name = store::delete(tx, id).await?;
    sessions::end_all(app, tx, id, SessionEnd::Deleted).await?;
    // Without an account, nothing was told of it but the registration, if there was one; or the database was restored, and
    // others remember.
    let before = match accounts::store::version(tx, id).await? {
        Some(version) => version,
        None => first_sequence(tx).await?,
    };
    let version = before.saturating_add(1);
    if !store::insert_tombstone(tx, id, version, now).await? {
        return Ok(());
    }
    if let Some(name) = name {
        throttle::store::clear(tx, &Key::account(&name)).await?;
    }
    registration::store::delete(tx, id).await?;
    setup::store::delete_by_account(tx, id).await?;
    accounts::store::delete(tx, id).await?;
    let event = SubjectErased {
        id,
        version,
        erased_at: now,
    };
    append_event_at(app, tx, id, version, &event).await
}

//! Applying the state of a user to its subject, and its consequences for sessions and accounts.

use chassis::db::{DbError, Tx};
use contract::{SessionEnd, SubjectErased, UserState};
use events::restore::first_sequence;
use uuid::Uuid;

use super::store;
use crate::accounts::{self, append_event_at};
use crate::app::App;
use crate::throttle::{self, Key};
use crate::{registration, sessions, setup};

/// Applies the state of a user: completes its registration, and ends the sessions of a disabled one. An older
/// state and the state of an erased user change nothing. A user whose registration was rejected is erased:
/// the user service was restored from a backup and has decided differently.
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

/// Suspends a subject, and ends its sessions, until a newer state is applied. There is no event, because only
/// this service is not up to date.
///
/// # Errors
/// When the database fails.
pub(crate) async fn suspend(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    if store::deactivate(tx, id).await? {
        sessions::end_all(app, tx, id, SessionEnd::Deactivated).await?;
    }
    Ok(())
}

/// Erases a subject: its credentials, sessions, tokens, devices and personal data. A tombstone with its id
/// stays, and `subject.erased` is appended once.
///
/// # Errors
/// When the database fails.
pub(crate) async fn erase(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let now = app.clock.now();
    // The subject is locked before the account, in the same order as at the start of a session.
    let name = store::delete(tx, id).await?;
    sessions::end_all(app, tx, id, SessionEnd::Deleted).await?;
    // Without an account row there were no events except the registration, or the database was restored and
    // consumers have seen higher versions.
    let before = match accounts::store::version(tx, id).await? {
        Some(version) => version,
        None => first_sequence(tx).await?,
    };
    let version = before.saturating_add(1);
    if !store::insert_tombstone(tx, id, version, now).await? {
        return Ok(());
    }
    if let Some(name) = name {
        throttle::clear(tx, &Key::account(&name)).await?;
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

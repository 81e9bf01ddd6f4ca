//! People: who there is, what is known of them, and whether they may sign in.
//!
//! Every change takes the row's lock, raises the version by one and writes its event in the same transaction.

mod check;
mod desired_state;
mod names;
mod restore;
mod skeletons;
mod snapshot;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
use contract::{UserCreated, UserDeactivated, UserDeleted, UserId, UserReactivated, UserState, UserUpdated};
use events::OutboxError;
use scim::version::IfMatch;

pub(crate) use check::{Invalid, check};
pub(crate) use desired_state::{DesiredState, Patch};
pub(crate) use names::ReservedNames;
pub(crate) use names::{NameRefused, check_new_name};
pub(crate) use restore::after_restore;
pub(crate) use skeletons::fill_on_schedule;
pub(crate) use snapshot::PeopleSnapshot;
// Reading needs no rule beside the query: these are the use cases of whoever only looks.
pub(crate) use store::{Stored, count, find, find_by_key, find_stored, has_tombstone, page};

use crate::app::App;

/// The kind of aggregate that a person is, in the outbox.
pub(crate) const AGGREGATE: &str = "user";

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// Nobody has this id.
    #[error("no such person")]
    NotFound,
    /// Somebody else has the user name.
    #[error("the user name is taken")]
    NameTaken,
    /// The person was changed since the caller read.
    #[error("the person was changed meanwhile")]
    Changed,
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What the outbox says, as the failure of the database that it nearly always is.
pub(crate) fn outbox_failed(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        unwritable => DbError::Other(sqlx::Error::Encode(Box::new(unwritable))),
    }
}

/// Adds a person under a new id.
///
/// # Errors
/// [`UserError::NameTaken`], [`UserError::Invalid`], [`UserError::Db`].
pub(crate) async fn create(app: &App, draft: DesiredState) -> Result<UserState, UserError> {
    let now = app.clock.now();
    let state = draft.into_state(app.random.uuid(&*app.clock), now);
    check(&state)?;
    let mut tx = app.db.begin("create_person").await?;
    check_new_name(&mut tx, &app.reserved_names, &state)
        .await?
        .map_err(Invalid::from)?;
    if !insert(&mut tx, &state).await? {
        return Err(UserError::NameTaken);
    }
    announce_created(app, &mut tx, &state).await?;
    tx.commit().await?;
    tracing::info!(event.action = "user-created", event.outcome = "success", user.target.id = %state.id, "a person was added");
    Ok(state)
}

/// Adds a person; `false` when somebody has the user name, or one that looks like it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn insert(tx: &mut Tx, state: &UserState) -> Result<bool, DbError> {
    skeletons::fill(tx).await?;
    store::insert(tx, state).await
}

/// Writes the event of a person who is new, and wakes the requests that wait for them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn announce_created(app: &App, tx: &mut Tx, state: &UserState) -> Result<(), DbError> {
    app.outbox
        .append(
            tx,
            AGGREGATE,
            state.id,
            state.version,
            &UserCreated(state.clone()),
        )
        .await
        .map_err(outbox_failed)?;
    app.user_created_waiters.announce_on_commit(tx);
    Ok(())
}

/// Puts `draft` in place of what is known of a person. Groups stay; so does `active`, unless the draft says.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn replace(
    app: &App,
    id: UserId,
    condition: &IfMatch,
    draft: DesiredState,
) -> Result<UserState, UserError> {
    change(app, "replace_person", id, condition, |state| draft.replace(state)).await
}

/// Changes what a person may change of themselves.
///
/// # Errors
/// See [`UserError`]; a deactivated person is not found.
pub(crate) async fn patch_own(
    app: &App,
    id: UserId,
    condition: &IfMatch,
    patch: Patch,
) -> Result<UserState, UserError> {
    change(app, "patch_own", id, condition, |state| {
        if !state.active {
            return Err(UserError::NotFound);
        }
        patch.apply(state).map_err(UserError::from)
    })
    .await
}

/// One change of one person: lock, condition, edit, version, event.
async fn change<F>(
    app: &App,
    name: &'static str,
    id: UserId,
    condition: &IfMatch,
    edit: F,
) -> Result<UserState, UserError>
where
    F: FnOnce(&mut UserState) -> Result<(), UserError>,
{
    let mut tx = app.db.begin(name).await?;
    let old = store::lock(&mut tx, id).await?.ok_or(UserError::NotFound)?;
    if !condition.allows(old.version) {
        return Err(UserError::Changed);
    }
    let mut new = old.clone();
    edit(&mut new)?;
    if new == old {
        return Ok(old);
    }
    check::check_change(&old, &new)?;
    // Whoever has a name that would be refused today keeps it.
    if new.user_name.key() != old.user_name.key() {
        check_new_name(&mut tx, &app.reserved_names, &new)
            .await?
            .map_err(Invalid::from)?;
        skeletons::fill_unlocked(&mut tx).await?;
    }
    new.version = old.version.saturating_add(1);
    new.updated_at = app.clock.now();
    store::update(&mut tx, &new).await.map_err(|error| match error {
        DbError::Unique { .. } => UserError::NameTaken,
        other => UserError::Db(other),
    })?;
    announce_change(app, &mut tx, &old, &new).await?;
    tx.commit().await?;
    let what = match (old.active, new.active) {
        (false, true) => "reactivated",
        (true, false) => "deactivated",
        _ => "changed",
    };
    tracing::info!(event.action = "user-changed", event.outcome = "success", event.reason = what, user.target.id = %id, "a person was {what}");
    Ok(new)
}

async fn announce_change(app: &App, tx: &mut Tx, old: &UserState, new: &UserState) -> Result<(), DbError> {
    let (id, version, state) = (new.id, new.version, new.clone());
    let (outbox, now_active) = (&app.outbox, (old.active, new.active));
    let written = match now_active {
        (true, false) => {
            outbox
                .append(tx, AGGREGATE, id, version, &UserDeactivated(state))
                .await
        }
        (false, true) => {
            outbox
                .append(tx, AGGREGATE, id, version, &UserReactivated(state))
                .await
        }
        _ => {
            outbox
                .append(tx, AGGREGATE, id, version, &UserUpdated(state))
                .await
        }
    };
    written.map(drop).map_err(outbox_failed)
}

/// Deletes whom `auth` has erased, if they are here: the database was restored from a backup that is older than their
/// deletion. The erased stay erased, and whoever was here only after the backup is told of as deleted: others remember them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn bury_erased(app: &App, tx: &mut Tx, id: UserId) -> Result<(), DbError> {
    if let Some(old) = store::lock(tx, id).await? {
        tracing::warn!(user.id = %id, "a person who was erased had come back with a backup, and is deleted again");
        return append_deleted(app, tx, old.id, old.version.saturating_add(1)).await;
    }
    if store::has_tombstone(tx, id).await? {
        return Ok(());
    }
    // The first one may be that of a refusal.
    let version = events::restore::first_sequence(tx).await?.saturating_add(1);
    append_deleted(app, tx, id, version).await
}

async fn append_deleted(app: &App, tx: &mut Tx, id: UserId, version: i64) -> Result<(), DbError> {
    let gone = UserDeleted {
        id,
        version,
        deleted_at: app.clock.now(),
    };
    store::insert_tombstone(tx, &gone).await?;
    let told = app.outbox.append(tx, AGGREGATE, gone.id, gone.version, &gone);
    told.await.map(drop).map_err(outbox_failed)
}

/// Deletes a person. The id is kept, so that nothing can bring them back.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn delete(app: &App, id: UserId, condition: &IfMatch) -> Result<(), UserError> {
    let mut tx = app.db.begin("delete_person").await?;
    let old = store::lock(&mut tx, id).await?.ok_or(UserError::NotFound)?;
    if !condition.allows(old.version) {
        return Err(UserError::Changed);
    }
    append_deleted(app, &mut tx, id, old.version.saturating_add(1)).await?;
    tx.commit().await?;
    tracing::info!(event.action = "user-deleted", event.outcome = "success", user.target.id = %id, "a person was deleted");
    Ok(())
}

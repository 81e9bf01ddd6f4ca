//! Users (RFC 7643 §4.1): who there is, what is known of them, and whether they may sign in.
//!
//! Every change takes the row's lock, raises the version by one and writes its event in the same transaction.

mod access;
mod check;
mod desired_state;
mod edit;
mod find_created;
mod membership;
mod names;
mod resource;
mod restore;
mod search;
mod skeletons;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod total;
mod values;
mod write;

use std::sync::Arc;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{EventData, UserDeactivated, UserDeleted, UserId, UserReactivated, UserState, UserUpdated};
use events::{Outbox, OutboxError};
use scim::schema::Registry;
use scim::version::IfMatch;

pub(crate) use access::{hide_from_person, hides_from_people};
pub(crate) use check::Invalid;
pub(crate) use desired_state::{DesiredState, Patch};
pub(crate) use find_created::Found;
pub(crate) use membership::lock_all;
use names::check_new_name;
pub(crate) use names::{NameRefused, ReservedNames};
pub(crate) use resource::{location, to_resource};
pub(crate) use search::{Search, SearchError, Start};
pub(crate) use snapshot::UsersSnapshot;
// These need a transaction, or a connection to read from, and nothing else.
pub(crate) use store::{Stored, erasures, erasures_of, find, find_stored, has_tombstone, record_erasure};

use values::IndexedAttributes;

use crate::user_created_waiters::UserCreatedWaiters;

/// The kind of aggregate that a user is, in the outbox.
pub(crate) const AGGREGATE: &str = "user";

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// Nobody has this id.
    #[error("no such user")]
    NotFound,
    /// Somebody else has the user name.
    #[error("the user name is taken")]
    NameTaken,
    /// The user was changed since the caller read.
    #[error("the user was changed meanwhile")]
    Changed,
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The protocol does not allow the change.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The error of the outbox, as the failure of the database that it nearly always is.
pub(crate) fn outbox_failed(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        unwritable => DbError::Other(sqlx::Error::Encode(Box::new(unwritable))),
    }
}

/// The users, and the use cases that change them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbox: Outbox,
    reserved_names: Arc<ReservedNames>,
    registry: Arc<Registry>,
    indexed: Arc<IndexedAttributes>,
    /// The maximum number of people that one search looks at in memory.
    search_limit: usize,
    waiters: UserCreatedWaiters,
}

/// The rules of an installation for its users.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The user names that only administrators may have.
    pub(crate) reserved_names: ReservedNames,
    /// The attributes.
    pub(crate) registry: Arc<Registry>,
}

impl Users {
    pub(crate) fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbox: Outbox,
        rules: Rules,
        waiters: UserCreatedWaiters,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            reserved_names: Arc::new(rules.reserved_names),
            indexed: Arc::new(IndexedAttributes::new(rules.registry.users())),
            registry: rules.registry,
            search_limit: search::MAX_COMPARED,
            waiters,
        }
    }

    /// Creates a user with a new id.
    ///
    /// # Errors
    /// [`UserError::NameTaken`], [`UserError::Invalid`], [`UserError::Db`].
    pub(crate) async fn create(&self, desired: DesiredState) -> Result<UserState, UserError> {
        let now = self.clock.now();
        let state = desired.into_state(self.random.uuid(&*self.clock), now);
        self.check(&state)?;
        let mut tx = self.db.begin("create_user").await?;
        self.check_new_name(&mut tx, &state)
            .await?
            .map_err(Invalid::from)?;
        self.check_new_values(&mut tx, &state).await?;
        if !self.insert(&mut tx, &state).await? {
            return Err(UserError::NameTaken);
        }
        tx.commit().await?;
        tracing::info!(event.action = "user-created", event.outcome = "success", user.target.id = %state.id, "a user was created");
        Ok(state)
    }

    /// Holds a new user against the limits.
    ///
    /// # Errors
    /// The first value that does not fit.
    pub(crate) fn check(&self, state: &UserState) -> Result<(), Invalid> {
        check::check(state, self.registry.users())
    }

    /// Checks that the user may be given the name that `state` has.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn check_new_name(
        &self,
        tx: &mut Tx,
        state: &UserState,
    ) -> Result<Result<(), NameRefused>, DbError> {
        check_new_name(tx, &self.reserved_names, state).await
    }

    /// Puts `desired` in place of what is known of a user.
    ///
    /// # Errors
    /// See [`UserError`].
    #[cfg(test)]
    pub(crate) async fn replace(
        &self,
        id: UserId,
        condition: &IfMatch,
        desired: DesiredState,
    ) -> Result<UserState, UserError> {
        self.change("replace_user", id, condition, |state| {
            desired.replace(state);
            Ok(())
        })
        .await
    }

    /// Changes what a person may change of themselves.
    ///
    /// # Errors
    /// See [`UserError`]; a deactivated user is not found.
    pub(crate) async fn patch_own(
        &self,
        id: UserId,
        condition: &IfMatch,
        patch: Patch,
    ) -> Result<UserState, UserError> {
        self.change("patch_own", id, condition, |state| {
            if !state.active {
                return Err(UserError::NotFound);
            }
            patch.apply(state, self.registry.users()).map_err(UserError::from)
        })
        .await
    }

    /// One change of one user: lock, condition, edit, version, event.
    async fn change<F>(
        &self,
        name: &'static str,
        id: UserId,
        condition: &IfMatch,
        edit: F,
    ) -> Result<UserState, UserError>
    where
        F: FnOnce(&mut UserState) -> Result<(), UserError>,
    {
        let mut tx = self.db.begin(name).await?;
        let old = lock_if(&mut tx, id, condition).await?;
        let mut new = old.clone();
        edit(&mut new)?;
        if new == old {
            return Ok(old);
        }
        check::check_change(&old, &new, self.registry.users())?;
        // Who has a name that would be refused today keeps it.
        if new.user_name.key() != old.user_name.key() {
            self.check_new_name(&mut tx, &new).await?.map_err(Invalid::from)?;
            skeletons::fill_unlocked(&mut tx).await?;
        }
        new.version = old.version.saturating_add(1);
        new.updated_at = self.clock.now();
        self.update(&mut tx, &old, &new).await?;
        self.append_changed(&mut tx, old.active, new.clone()).await?;
        tx.commit().await?;
        let what = match (old.active, new.active) {
            (false, true) => "reactivated",
            (true, false) => "deactivated",
            _ => "changed",
        };
        tracing::info!(event.action = "user-changed", event.outcome = "success", event.reason = what, user.target.id = %id, "a user was {what}");
        Ok(new)
    }

    /// Deletes a user. The id is kept, so that nothing can bring them back.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn delete(&self, id: UserId, condition: &IfMatch) -> Result<(), UserError> {
        let mut tx = self.db.begin("delete_user").await?;
        let old = lock_if(&mut tx, id, condition).await?;
        self.append_deleted(&mut tx, id, old.version.saturating_add(1))
            .await?;
        tx.commit().await?;
        tracing::info!(event.action = "user-deleted", event.outcome = "success", user.target.id = %id, "a user was deleted");
        Ok(())
    }

    /// Deletes a user whom `auth` has erased, if they are here: the database was restored from a backup that is older than
    /// their deletion. A tombstone stays as it is; one who was here only after the backup gets one, and an event, because
    /// others remember them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn delete_erased(&self, tx: &mut Tx, id: UserId) -> Result<(), DbError> {
        if let Some(old) = store::lock(tx, id).await? {
            tracing::warn!(user.id = %id, "a user who was erased had come back with a backup, and is deleted again");
            return self
                .append_deleted(tx, old.id, old.version.saturating_add(1))
                .await;
        }
        if store::has_tombstone(tx, id).await? {
            return Ok(());
        }
        // The first one may be that of a refusal.
        let version = events::restore::first_sequence(tx).await?.saturating_add(1);
        self.append_deleted(tx, id, version).await
    }

    async fn append_deleted(&self, tx: &mut Tx, id: UserId, version: i64) -> Result<(), DbError> {
        let deleted = UserDeleted {
            id,
            version,
            deleted_at: self.clock.now(),
        };
        store::insert_tombstone(tx, &deleted).await?;
        self.append(tx, id, version, &deleted).await
    }

    /// Appends the event of a new state: of a user who was `active` before.
    async fn append_changed(&self, tx: &mut Tx, was_active: bool, state: UserState) -> Result<(), DbError> {
        let (id, version) = (state.id, state.version);
        match (was_active, state.active) {
            (true, false) => self.append(tx, id, version, &UserDeactivated(state)).await,
            (false, true) => self.append(tx, id, version, &UserReactivated(state)).await,
            _ => self.append(tx, id, version, &UserUpdated(state)).await,
        }
    }

    async fn append<T: EventData>(
        &self,
        tx: &mut Tx,
        id: UserId,
        version: i64,
        data: &T,
    ) -> Result<(), DbError> {
        let appended = self.outbox.append(tx, AGGREGATE, id, version, data).await;
        appended.map(drop).map_err(outbox_failed)
    }
}

/// Locks a user whose version the caller knows.
async fn lock_if(tx: &mut Tx, id: UserId, condition: &IfMatch) -> Result<UserState, UserError> {
    let state = store::lock(tx, id).await?.ok_or(UserError::NotFound)?;
    match condition.allows(state.version) {
        true => Ok(state),
        false => Err(UserError::Changed),
    }
}

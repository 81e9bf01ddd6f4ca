//! One change of one user: lock, condition, edit, version, event.

use chassis::db::{DbError, Tx};
use contract::{EventData, UserDeactivated, UserId, UserReactivated, UserState, UserUpdated};
use scim::version::IfMatch;

use super::log::Change;
use super::{AGGREGATE, UserError, Users, check, outbox_failed, store};
use crate::authority::{Authority, Right};

impl Users {
    /// One change of one user, in a transaction of its own.
    pub(super) async fn change<F>(
        &self,
        name: &'static str,
        id: UserId,
        (condition, authority): (&IfMatch, &Authority),
        edit: F,
    ) -> Result<UserState, UserError>
    where
        F: FnOnce(&mut UserState) -> Result<(), UserError>,
    {
        let mut tx = self.db.begin(name).await?;
        let (state, change) = self.change_in(&mut tx, id, (condition, authority), edit).await?;
        if let Some(change) = change {
            tx.commit().await?;
            change.log(id);
        }
        Ok(state)
    }

    /// One change of one user: lock, condition, edit, version, event. Returns no [`Change`] for an edit without an effect.
    pub(super) async fn change_in<F>(
        &self,
        tx: &mut Tx,
        id: UserId,
        (condition, authority): (&IfMatch, &Authority),
        edit: F,
    ) -> Result<(UserState, Option<Change>), UserError>
    where
        F: FnOnce(&mut UserState) -> Result<(), UserError>,
    {
        let (old, authority) = self.lock_if(tx, id, condition, (authority, Right::Write)).await?;
        let mut new = old.clone();
        edit(&mut new)?;
        if new == old {
            return Ok((old, None));
        }
        self.check_rights_after(&authority, &old, &new)?;
        check::check_change(&old, &new, self.registry.users())?;
        new.version = old.version.saturating_add(1);
        new.updated_at = self.clock.now();
        let written = self.write_change(tx, &authority, (&old, &new));
        match authority.holder().is_some() && self.claims_value(&old, &new) {
            true => self.claim(&authority, written).await?,
            false => written.await?,
        }
        self.append_changed(tx, old.active, new.clone()).await?;
        let change = Change::of(&old, &new);
        Ok((new, Some(change)))
    }

    /// Appends the event of a new state: of a user who was `active` before.
    pub(super) async fn append_changed(
        &self,
        tx: &mut Tx,
        was_active: bool,
        state: UserState,
    ) -> Result<(), DbError> {
        let (id, version) = (state.id, state.version);
        match (was_active, state.active) {
            (true, false) => self.append(tx, id, version, &UserDeactivated(state)).await,
            (false, true) => self.append(tx, id, version, &UserReactivated(state)).await,
            _ => self.append(tx, id, version, &UserUpdated(state)).await,
        }
    }

    pub(super) async fn append<T: EventData>(
        &self,
        tx: &mut Tx,
        id: UserId,
        version: i64,
        data: &T,
    ) -> Result<(), DbError> {
        let appended = self.outbox.append(tx, AGGREGATE, id, version, data).await;
        appended.map(drop).map_err(outbox_failed)
    }

    /// Locks a user whose version the caller knows, and over whom it has a right. The authority of the caller is read again.
    pub(super) async fn lock_if(
        &self,
        tx: &mut Tx,
        id: UserId,
        condition: &IfMatch,
        (authority, right): (&Authority, Right),
    ) -> Result<(UserState, Authority), UserError> {
        if authority.limits().is_some() {
            // Nobody outside is locked: others would wait, and the wait would tell of the user.
            let seen = self.find_visible(tx, id, authority).await?;
            seen.ok_or(UserError::NotFound)?;
        }
        let state = store::lock(tx, id).await?;
        let authority = authority.read_again(tx).await??;
        let state = state.ok_or(UserError::NotFound)?;
        // Before the condition, which tells of a version (SB-35).
        self.check_right(&authority, right, &state)?;
        match condition.allows(state.version) {
            true => Ok((state, authority)),
            false => Err(UserError::Changed),
        }
    }
}

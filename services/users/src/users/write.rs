//! Writing of users with their indexed values, and values that no two users may have.

use std::collections::BTreeSet;

use chassis::db::{DbError, Tx};
use contract::{UserCreated, UserId, UserState};

use super::external_ids::common_of;
use super::store::RowChanges;
use super::values::Row;
use super::{UserError, Users, skeletons, store, values};
use crate::authority::Authority;

impl Users {
    /// Inserts a user and appends `user.created`, which wakes the requests that wait for them; `false` when somebody has the
    /// user name, or one that looks like it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn insert(&self, tx: &mut Tx, state: &UserState) -> Result<bool, DbError> {
        skeletons::fill(tx).await?;
        if !self.insert_row(tx, state).await? {
            return Ok(false);
        }
        self.append(tx, state.id, state.version, &UserCreated(state.clone()))
            .await?;
        self.waiters.announce_on_commit(tx);
        Ok(true)
    }

    /// Inserts a new user, who was checked, with the event.
    ///
    /// # Errors
    /// [`UserError::NameTaken`], [`UserError::Invalid`] for the name, [`UserError::Scim`] for a value that is taken,
    /// [`UserError::TooManyTaken`].
    pub(crate) async fn insert_new(
        &self,
        tx: &mut Tx,
        state: &UserState,
        authority: &Authority,
    ) -> Result<(), UserError> {
        self.claim(authority, self.insert_named(tx, state, authority))
            .await
    }

    async fn insert_named(
        &self,
        tx: &mut Tx,
        state: &UserState,
        authority: &Authority,
    ) -> Result<(), UserError> {
        let named = self.check_new_name(tx, state).await?;
        named.map_err(|refused| refused.for_caller(authority))?;
        self.check_new_values(tx, state).await?;
        // Identifiers before names, as for many users at once: otherwise the two wait for each other.
        self.write_external_ids(tx, None, state).await?;
        match self.insert(tx, state).await? {
            true => Ok(()),
            false => Err(UserError::NameTaken),
        }
    }

    /// True if a change gives a user a name, or another value, that no two may have.
    pub(super) fn claims_value(&self, old: &UserState, new: &UserState) -> bool {
        if new.user_name.key() != old.user_name.key() || common_of(new) != common_of(old) {
            return true;
        }
        if !self.indexed.has_unique() {
            return false;
        }
        let users = self.registry.users();
        let (before, after) = (self.indexed.rows_of(old, users), self.indexed.rows_of(new, users));
        after.difference(&before).any(|row| self.indexed.is_unique(row))
    }

    /// Writes a change of a locked user, with a new name if there is one.
    pub(super) async fn write_change(
        &self,
        tx: &mut Tx,
        authority: &Authority,
        (old, new): (&UserState, &UserState),
    ) -> Result<(), UserError> {
        // Who has a name that would be refused today keeps it.
        if new.user_name.key() != old.user_name.key() {
            let named = self.check_new_name(tx, new).await?;
            named.map_err(|refused| refused.for_caller(authority))?;
            skeletons::fill_unlocked(tx).await?;
        }
        self.update(tx, old, new).await
    }

    /// Inserts a user with their indexed values, and no event; `false` when somebody has the user name, or one that looks like it.
    pub(super) async fn insert_row(&self, tx: &mut Tx, state: &UserState) -> Result<bool, DbError> {
        let rows = self.indexed.rows_of(state, self.registry.users());
        store::insert(tx, state, &rows).await
    }

    /// Writes `new` in place of `old`, with its indexed values.
    pub(super) async fn update(
        &self,
        tx: &mut Tx,
        old: &UserState,
        new: &UserState,
    ) -> Result<(), UserError> {
        let users = self.registry.users();
        let before = self.indexed.rows_of(old, users);
        let after = self.indexed.rows_of(new, users);
        let rows = RowChanges {
            removed: before.difference(&after).collect(),
            added: after.difference(&before).collect(),
        };
        self.check_unique(tx, new.id, rows.added.iter().copied()).await?;
        self.write_external_ids(tx, Some(old), new).await?;
        store::update(tx, new, &rows).await.map_err(|error| match error {
            DbError::Unique { .. } => UserError::NameTaken,
            other => UserError::Db(other),
        })
    }

    /// Checks that nobody else has a value of a new user that is to be unique.
    ///
    /// # Errors
    /// `uniqueness`, or when the database fails.
    pub(super) async fn check_new_values(&self, tx: &mut Tx, state: &UserState) -> Result<(), UserError> {
        if !self.indexed.has_unique() {
            return Ok(());
        }
        let rows = self.indexed.rows_of(state, self.registry.users());
        self.check_unique(tx, state.id, rows.iter()).await
    }

    /// Checks that nobody else has a value that is to be unique (RFC 7643 §7).
    async fn check_unique(
        &self,
        tx: &mut Tx,
        user: UserId,
        rows: impl Iterator<Item = &Row>,
    ) -> Result<(), UserError> {
        // In order, so that two who want the same values wait for each other and never in a circle.
        let unique: BTreeSet<&Row> = rows.filter(|row| self.indexed.is_unique(row)).collect();
        for row in unique {
            if values::holder(tx, row, user).await?.is_some() {
                return Err(scim::Error::uniqueness(&row.0).into());
            }
        }
        Ok(())
    }
}

//! Writing of users with their indexed values, and values that no two users may have.

use std::collections::BTreeSet;

use chassis::db::{DbError, Tx};
use contract::{UserCreated, UserId, UserState};

use super::store::RowChanges;
use super::values::Row;
use super::{UserError, Users, skeletons, store, values};

impl Users {
    /// Inserts a user and appends `user.created`, which wakes the requests that wait for them; `false` when somebody has the
    /// user name, or one that looks like it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn insert(&self, tx: &mut Tx, state: &UserState) -> Result<bool, DbError> {
        skeletons::fill(tx).await?;
        let rows = self.indexed.rows_of(state, self.registry.users());
        if !store::insert(tx, state, &rows).await? {
            return Ok(false);
        }
        self.append(tx, state.id, state.version, &UserCreated(state.clone()))
            .await?;
        self.waiters.announce_on_commit(tx);
        Ok(true)
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

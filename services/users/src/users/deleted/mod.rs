//! Deleted users: hidden at once, restored or erased later.
//!
//! A deletion moves a user from `people` to `deleted_users`, so that the name and all unique values are free, and `user.deactivated`
//! goes out. When the grace period is over, the user is erased: `user.deleted` goes out, and a tombstone stays.

mod erase;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{GroupId, UserDeactivated, UserId, UserName, UserReactivated, UserState, UserUpdated};

use super::{Invalid, NameRefused, UserError, Users, skeletons};

pub(crate) use store::{
    DeletedUser, PagePosition, entries_of, exists, find as find_deleted, page, raise_versions, states_after,
    states_of,
};
pub(super) use store::{entries_after, take_version, versions};

/// The time for which a deleted user can be restored. With none, a deletion erases at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GracePeriod(Duration);

impl GracePeriod {
    /// A grace period of so many days.
    pub(crate) fn of_days(days: u32) -> Self {
        Self(Duration::from_secs(u64::from(days) * 86_400))
    }

    fn is_none(self) -> bool {
        self.0.is_zero()
    }

    /// The end of the grace period of a user who was deleted then.
    pub(crate) fn ends(self, deleted_at: Timestamp) -> Timestamp {
        deleted_at + self.0
    }

    /// Users who were deleted before are due at `now`.
    fn due_before(self, now: Timestamp) -> Timestamp {
        now - self.0
    }
}

impl Users {
    /// Deletes a locked user: hides them for the grace period, or erases them without one.
    pub(super) async fn hide_or_erase(&self, tx: &mut Tx, old: UserState) -> Result<(), DbError> {
        if self.grace.is_none() {
            return self
                .append_deleted(tx, old.id, old.version.saturating_add(1))
                .await;
        }
        let was_active = old.active;
        // A clock that is behind shortens no grace period by more than the age of the last change.
        let now = self.clock.now().max(old.updated_at);
        let new = UserState {
            version: old.version.saturating_add(1),
            updated_at: now,
            active: false,
            deleted_at: Some(now),
            ..old
        };
        super::store::delete(tx, new.id).await?;
        store::insert(tx, &new, was_active).await?;
        let (id, version) = (new.id, new.version);
        self.append(tx, id, version, &UserDeactivated(new)).await
    }

    /// Restores a deleted user as they were, in the transaction of the caller, who has locked the `groups` that they are put into.
    ///
    /// # Errors
    /// [`UserError::NotFound`] when the user is not deleted, or erased; [`UserError::NameTaken`] and `uniqueness` when somebody has
    /// the name, or another value that is unique.
    pub(crate) async fn restore(
        &self,
        tx: &mut Tx,
        id: UserId,
        new_name: Option<UserName>,
        groups: Vec<(GroupId, String)>,
    ) -> Result<UserState, UserError> {
        let deleted = store::remove(tx, id).await?.ok_or(UserError::NotFound)?;
        let mut state = deleted.state;
        let (ids, mut names): (Vec<GroupId>, Vec<String>) = groups.into_iter().unzip();
        names.sort_unstable();
        (state.group_ids, state.groups) = (Some(ids), names);
        state.version = state.version.saturating_add(1);
        state.updated_at = self.clock.now();
        state.active = deleted.was_active;
        state.deleted_at = None;
        let is_renamed = new_name.is_some();
        if let Some(name) = new_name {
            state.user_name = name;
        }
        match self.check_new_name(tx, &state).await? {
            // Who had a name that would be refused today has it again; that of a group is somebody else's.
            Err(NameRefused::Form(_) | NameRefused::Reserved) if !is_renamed => {}
            checked => checked.map_err(Invalid::from)?,
        }
        self.check_new_values(tx, &state).await?;
        // Identifiers before names, as at a creation: otherwise the two wait for each other.
        self.write_external_ids(tx, None, &state).await?;
        skeletons::fill_unlocked(tx).await?;
        if !self.insert_row(tx, &state).await? {
            return Err(UserError::NameTaken);
        }
        let version = state.version;
        match state.active {
            true => {
                self.append(tx, id, version, &UserReactivated(state.clone()))
                    .await?
            }
            false => self.append(tx, id, version, &UserUpdated(state.clone())).await?,
        }
        Ok(state)
    }

    /// The time at which the grace period of a deleted user ends.
    pub(crate) fn grace_ends(&self, deleted: &DeletedUser) -> Timestamp {
        self.grace.ends(deleted.deleted_at)
    }
}

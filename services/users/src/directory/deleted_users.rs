//! The restoration of deleted users, with the groups that are still there.

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use contract::{GroupId, UserId, UserName, UserState};

use crate::groups;
use crate::users::{self, UserError, Users};

/// Restores deleted users. Cheap to clone.
#[derive(Clone)]
pub(crate) struct DeletedUsers {
    db: Db,
    clock: SharedClock,
    users: Users,
}

impl DeletedUsers {
    pub(crate) fn new(db: Db, clock: SharedClock, users: Users) -> Self {
        Self { db, clock, users }
    }

    /// Restores a deleted user as they were, in those of their groups that are still there.
    ///
    /// # Errors
    /// [`UserError::NotFound`] when the user is not deleted, or erased; [`UserError::NameTaken`] when somebody has the name; `uniqueness`
    /// when somebody has another value that is unique.
    pub(crate) async fn restore(
        &self,
        id: UserId,
        new_name: Option<UserName>,
    ) -> Result<UserState, UserError> {
        let mut tx = self.db.begin("restore_user").await?;
        let deleted = users::find_deleted(&mut tx, id)
            .await?
            .ok_or(UserError::NotFound)?;
        // Groups are locked before users.
        let wanted = group_ids(&mut tx, &deleted.state).await?;
        let groups = groups::lock_existing(&mut tx, &wanted).await?;
        let ids: Vec<GroupId> = groups.iter().map(|(id, _)| *id).collect();
        let state = self.users.restore(&mut tx, id, new_name, groups).await?;
        for group in ids {
            groups::add_member(&mut tx, group, id, self.clock.now()).await?;
        }
        tx.commit().await?;
        tracing::info!(event.action = "user-restored", event.outcome = "success", user.target.id = %id, "a deleted user was restored");
        Ok(state)
    }
}

/// The ids of the direct groups of a state. One of an earlier release has their names only.
async fn group_ids(tx: &mut Tx, state: &UserState) -> Result<Vec<GroupId>, DbError> {
    if let Some(ids) = &state.group_ids {
        return Ok(ids.clone());
    }
    let mut ids = Vec::with_capacity(state.groups.len());
    for name in &state.groups {
        ids.extend(groups::find_by_name(tx, name).await?);
    }
    Ok(ids)
}

//! The deletion of a group, which costs the same whatever its size: its event goes out at once, and the states of its
//! members are written afterwards, in the background.

use chassis::db::Tx;
use contract::{GroupDeleted, GroupId};
use scim::version::IfMatch;

use super::{Group, GroupError, Groups, log_deleted, store};

impl Groups {
    /// Deletes a group. Its id is kept as a tombstone, so that it is never used again.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn delete(&self, id: GroupId, condition: &IfMatch) -> Result<(), GroupError> {
        let mut tx = self.db.begin("delete_group").await?;
        self.delete_in(&mut tx, id, condition).await?;
        tx.commit().await?;
        log_deleted(id);
        Ok(())
    }

    /// As [`Self::delete`], in a transaction that the caller commits.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn delete_in(
        &self,
        tx: &mut Tx,
        id: GroupId,
        condition: &IfMatch,
    ) -> Result<(), GroupError> {
        let now = self.clock.now();
        let group = lock_with_parents(tx, id).await?;
        if !condition.allows(group.revision) {
            return Err(GroupError::Changed);
        }
        if group.is_built_in() {
            return Err(GroupError::BuiltIn);
        }
        let parents = store::graph::parents_of(tx, &[id]).await?;
        for parent in parents.values().flatten() {
            store::touch(tx, *parent, now).await?;
        }
        store::graph::remove_from_all(tx, id).await?;
        let version = group.version.saturating_add(1);
        store::insert_tombstone(tx, id, version, now).await?;
        store::refreshes::note(tx, id).await?;
        let deleted = GroupDeleted {
            id,
            version,
            deleted_at: now,
        };
        self.append(tx, id, version, &deleted).await?;
        tx.wake_on_commit(&self.refreshes);
        Ok(())
    }
}

/// Locks a group, and those that it is a member of, whose lists of members change.
async fn lock_with_parents(tx: &mut Tx, id: GroupId) -> Result<Group, GroupError> {
    store::graph::lock(tx).await?;
    let mut ids: Vec<GroupId> = store::graph::parents_of(tx, &[id])
        .await?
        .into_values()
        .flatten()
        .collect();
    ids.push(id);
    store::lock_all(tx, &ids).await?;
    store::lock_for_deletion(tx, id)
        .await?
        .ok_or(GroupError::NotFound)
}

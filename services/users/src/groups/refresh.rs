//! The refresh of members' states after a group was deleted or renamed: in batches, in the background.
//!
//! The states have the ids of deleted groups until then, which mean nothing, and former names.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;
use contract::GroupId;
use uuid::Uuid;

use super::store::refreshes::{self, Refresh};
use super::{Groups, store};
use crate::users;

/// Members in one transaction.
const BATCH: i64 = 200;
/// The interval at which a replica looks for work that another one has left.
const EVERY: Duration = Duration::from_secs(10);
/// The pause between two batches, in which others may write.
const PAUSE: Duration = Duration::from_millis(20);

impl Groups {
    /// Writes the states of members anew where that is due, until `shutdown`. Replicas share the groups.
    pub(crate) async fn refresh_on_schedule(self, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.refresh(&shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the states of the members of a group could not be written: retried soon"
                );
            }
            tokio::select! {
                () = self.refreshes.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Writes all states that are due, batch by batch.
    ///
    /// # Errors
    /// When the database fails; batches that were committed stay.
    pub(crate) async fn refresh(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        while !shutdown.is_cancelled() {
            let mut reader = self.db.reader().await?;
            let any = refreshes::any(&mut reader).await?;
            drop(reader);
            if !any || !self.refresh_batch().await? {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Writes the states of one batch; `false` when other replicas work on all that is left.
    async fn refresh_batch(&self) -> Result<bool, DbError> {
        let mut tx = self.db.begin("group_refresh").await?;
        let Some(refresh) = refreshes::claim(&mut tx).await? else {
            return Ok(false);
        };
        let deleted = store::find(&mut tx, refresh.group_id).await?.is_none();
        let left = self.refresh_users(&mut tx, refresh, deleted).await?
            || (deleted && self.refresh_children(&mut tx, refresh.group_id).await?);
        if !left {
            refreshes::delete(&mut tx, refresh.group_id).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Writes the states of the next users in a group; `false` when nobody is left.
    async fn refresh_users(&self, tx: &mut Tx, mut refresh: Refresh, deleted: bool) -> Result<bool, DbError> {
        let group = refresh.group_id;
        let ids = store::members::ids_after(tx, group, refresh.after_id, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(false) };
        refresh.after_id = *last;
        let locked = users::lock_all(tx, &ids.iter().copied().collect::<BTreeSet<_>>()).await?;
        if deleted {
            store::members::remove(tx, group, &ids).await?;
        }
        let mut groups = store::members::groups_of(tx, &ids).await?;
        for (id, state) in locked {
            let groups = groups.remove(&id).unwrap_or_default();
            self.users.write_groups(tx, state, groups).await?;
        }
        refreshes::advance(tx, refresh).await?;
        Ok(true)
    }

    /// Writes the states of the next groups in a deleted group; `false` when nobody is left.
    async fn refresh_children(&self, tx: &mut Tx, group: GroupId) -> Result<bool, DbError> {
        let children = store::graph::children_after(tx, group, Uuid::nil(), BATCH).await?;
        let ids: Vec<GroupId> = children.into_iter().map(|(id, _)| id).collect();
        let now = self.clock.now();
        for child in store::lock_all(tx, &ids).await? {
            if store::graph::remove(tx, group, child.id).await? {
                self.write_next_version(tx, child, now).await?;
            }
        }
        Ok(!ids.is_empty())
    }
}

//! Deletion of users: by a caller, and again after a restoration has brought them back.

use chassis::db::{DbError, Tx};
use contract::{UserDeleted, UserId};
use scim::version::IfMatch;

use super::{UserError, Users, deleted, log_deleted, store};
use crate::authority::{Authority, Right};

impl Users {
    /// Deletes a user, as [`Self::delete_as`] does for a caller who may delete everybody.
    ///
    /// # Errors
    /// See [`UserError`].
    #[cfg(test)]
    pub(crate) async fn delete(&self, id: UserId, condition: &IfMatch) -> Result<(), UserError> {
        self.delete_as(&Authority::EVERYBODY, id, condition).await
    }

    /// Deletes a user: they are hidden at once, and can be restored until the grace period is over.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn delete_as(
        &self,
        authority: &Authority,
        id: UserId,
        condition: &IfMatch,
    ) -> Result<(), UserError> {
        let mut tx = self.db.begin("delete_user").await?;
        self.delete_in(&mut tx, id, (condition, authority)).await?;
        tx.commit().await?;
        log_deleted(id);
        Ok(())
    }

    /// As [`Self::delete_as`], in a transaction that the caller commits.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn delete_in(
        &self,
        tx: &mut Tx,
        id: UserId,
        (condition, authority): (&IfMatch, &Authority),
    ) -> Result<(), UserError> {
        let (old, _) = self
            .lock_if(tx, id, condition, (authority, Right::Delete))
            .await?;
        Ok(self.hide_or_erase(tx, old).await?)
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
        if let Some(version) = deleted::take_version(tx, id).await? {
            return self.append_deleted(tx, id, version.saturating_add(1)).await;
        }
        if store::has_tombstone(tx, id).await? {
            return Ok(());
        }
        // The first one may be that of a refusal.
        let version = events::restore::first_sequence(tx).await?.saturating_add(1);
        self.append_deleted(tx, id, version).await
    }

    /// Deletes a user who was deleted, and not yet erased, in the database that a backup has replaced. One who is here again is hidden
    /// for the grace period; one who was here only after the backup is erased, because others remember them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn delete_again(&self, tx: &mut Tx, id: UserId) -> Result<(), DbError> {
        match store::lock(tx, id).await? {
            Some(old) => {
                tracing::warn!(user.id = %id, "a user who was deleted had come back with a backup, and is deleted again");
                self.hide_or_erase(tx, old).await
            }
            None if deleted::exists(tx, id).await? => Ok(()),
            None => self.delete_erased(tx, id).await,
        }
    }

    /// Writes the tombstone of a user, and the event.
    pub(super) async fn append_deleted(&self, tx: &mut Tx, id: UserId, version: i64) -> Result<(), DbError> {
        let deleted = UserDeleted {
            id,
            version,
            deleted_at: self.clock.now(),
        };
        store::insert_tombstone(tx, &deleted).await?;
        self.append(tx, id, version, &deleted).await
    }
}

//! The steps for users after the database of this service was restored from a backup.

use chassis::db::{DbError, Tx};
use contract::UserDeactivated;
use events::restore::{Restoration, take_deleted, take_erased};
use uuid::Uuid;

use super::{Users, deleted, store};

/// Users whose events are appended after one statement.
const PAGE: i64 = 500;

impl Users {
    /// Raises every version above what was given out before, and appends an event of everybody.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn republish(&self, tx: &mut Tx, restoration: &Restoration) -> Result<(), DbError> {
        store::raise_versions(tx, restoration.raises_by()).await?;
        deleted::raise_versions(tx, restoration.raises_by()).await?;
        self.append_states(tx).await?;
        self.append_deleted_states(tx).await?;
        self.append_tombstones(tx).await?;
        // Last: the events above are older.
        for deleted in take_deleted(tx).await? {
            self.delete_again(tx, deleted).await?;
        }
        for erased in take_erased(tx).await? {
            self.delete_erased(tx, erased).await?;
        }
        Ok(())
    }

    async fn append_states(&self, tx: &mut Tx) -> Result<(), DbError> {
        let mut after = Uuid::nil();
        loop {
            let page = store::states_after(tx, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for state in page {
                // As of somebody who was active: a deactivated user is said to be, and no other to be back.
                self.append_changed(tx, true, state).await?;
            }
        }
    }

    async fn append_deleted_states(&self, tx: &mut Tx) -> Result<(), DbError> {
        let mut after = Uuid::nil();
        loop {
            let page = deleted::states_after(tx, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for state in page {
                self.append(tx, state.id, state.version, &UserDeactivated(state))
                    .await?;
            }
        }
    }

    async fn append_tombstones(&self, tx: &mut Tx) -> Result<(), DbError> {
        let mut after = Uuid::nil();
        loop {
            let page = store::tombstones_after(tx, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for deleted in page {
                self.append(tx, deleted.id, deleted.version, &deleted).await?;
            }
        }
    }
}

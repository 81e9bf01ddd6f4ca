//! The steps for users after the database of this service was restored from a backup.

use chassis::db::{DbError, Tx};
use events::restore::{claim_pending, take_erased};
use uuid::Uuid;

use super::{Users, store};

/// Users whose events are appended after one statement.
const PAGE: i64 = 500;

impl Users {
    /// Raises every version above what was given out before, and appends an event of everybody: all followers, over whatever
    /// transport, then know what this service knows. Once, by one replica.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then.
    pub(crate) async fn after_restore(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin("restored").await?;
        let Some(restoration) = claim_pending(&mut tx).await? else {
            return Ok(());
        };
        store::raise_versions(&mut tx, restoration.raises_by()).await?;
        self.append_states(&mut tx).await?;
        self.append_tombstones(&mut tx).await?;
        // Last: the events above are older.
        for erased in take_erased(&mut tx).await? {
            self.delete_erased(&mut tx, erased).await?;
        }
        tx.commit().await?;
        tracing::warn!(
            "the database was restored from a backup of {}; events of all users are published again",
            restoration.taken_at
        );
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

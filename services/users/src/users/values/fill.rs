//! Values of users that a version wrote that knew of no index: those from before the migration, and those whom a replica of that
//! version writes during an upgrade.

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;

use super::store;
use crate::schedule::{run_every_minute, run_in_batches};
use crate::users::{Users, external_ids};

/// People in one transaction.
const BATCH: i64 = 200;

/// The batches that a search fills in itself before it is asked to come again.
const BATCHES_OF_A_SEARCH: usize = 5;

impl Users {
    /// Fills in what is missing: now, and every minute until `shutdown`. Replicas share the rows. After a version was at work
    /// that does not count, everybody is counted again.
    pub(crate) async fn fill_values_on_schedule(self, shutdown: Shutdown) {
        let work = || self.fill_values(&shutdown);
        run_every_minute(&shutdown, "filling in indexed values of users", work).await;
    }

    pub(in crate::users) async fn fill_values(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        if run_in_batches(shutdown, || self.fill_batch()).await? > 0 {
            self.recount().await?;
        }
        self.change_index(shutdown).await
    }

    /// Makes the index complete for a search; `false` when too much is missing to wait for.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::users) async fn complete_values(&self) -> Result<bool, DbError> {
        for _ in 0..BATCHES_OF_A_SEARCH {
            if !store::any_missing(&mut self.db.reader().await?).await? {
                return Ok(true);
            }
            self.fill_batch().await?;
        }
        Ok(!store::any_missing(&mut self.db.reader().await?).await?)
    }

    /// Fills in what is missing of at most [`BATCH`] users. The result is their number.
    async fn fill_batch(&self) -> Result<usize, DbError> {
        if !store::any_missing(&mut self.db.reader().await?).await? {
            return Ok(0);
        }
        let mut tx = self.db.begin("user_values").await?;
        let count = self.fill_missing(&mut tx).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn fill_missing(&self, tx: &mut Tx) -> Result<usize, DbError> {
        let missing = store::missing(tx, BATCH).await?;
        let ids: Vec<_> = missing.iter().map(|state| state.id).collect();
        let mut external_ids = external_ids::of_users(tx, &ids).await?;
        for state in missing {
            // A release that does not know them leaves them out of the state that it writes.
            let known = external_ids.remove(&state.id).unwrap_or_default();
            let state = &self.restore_external_ids(tx, state, known).await?;
            let rows = self.indexed.rows_of(state, self.registry.users());
            store::delete_all(tx, state.id).await?;
            store::insert(tx, state.id, &rows.iter().collect::<Vec<_>>()).await?;
            store::set_complete(tx, state.id).await?;
        }
        Ok(ids.len())
    }
}

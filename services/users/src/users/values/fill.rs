//! Values of users that a version wrote that knew of no index: those from before the migration, and those whom a replica of that
//! version writes during an upgrade.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;

use super::store;
use crate::users::Users;

/// People in one transaction.
const BATCH: i64 = 200;

/// The batches that a search fills in itself before it is asked to come again.
const BATCHES_OF_A_SEARCH: usize = 5;

/// The interval at which a replica looks for people that another version wrote.
const EVERY: Duration = Duration::from_secs(60);

impl Users {
    /// Marks everybody to be filled in again when an attribute is indexed that was not before: the configuration has changed.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn note_indexed_attributes(&self) -> Result<(), DbError> {
        let names = self.indexed.names();
        let mut tx = self.db.begin("indexed_attributes").await?;
        let known = store::indexed(&mut tx).await?;
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        if known == names {
            return Ok(());
        }
        // Before the first note nobody has values of fewer attributes.
        if !known.is_empty() && !names.is_subset(&known) {
            store::forget_all(&mut tx).await?;
            tracing::warn!(
                "an attribute of users is indexed from now on: searches by an index wait until it is filled in"
            );
        }
        store::set_indexed(&mut tx, &names).await?;
        tx.commit().await
    }

    /// Fills in what is missing: now, and every minute until `shutdown`. Replicas share the rows. After a version was at work
    /// that does not count, everybody is counted again.
    pub(crate) async fn fill_values_on_schedule(self, shutdown: Shutdown) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.fill_values(&shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "indexed values of users could not be filled in: retried in a minute"
                );
            }
        }
    }

    pub(in crate::users) async fn fill_values(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        let mut filled = 0;
        while !shutdown.is_cancelled() {
            match self.fill_batch().await? {
                0 => break,
                count => filled += count,
            }
        }
        if filled > 0 {
            self.recount().await?;
        }
        Ok(())
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
        for state in &missing {
            let rows = self.indexed.rows_of(state, self.registry.users());
            store::delete_all(tx, state.id).await?;
            store::insert(tx, state.id, &rows.iter().collect::<Vec<_>>()).await?;
            store::set_complete(tx, state.id).await?;
        }
        Ok(missing.len())
    }
}

//! Savepoints: parts of a transaction that are rolled back alone.

use super::{DbError, Tx};
use crate::on_engine;

impl Tx {
    /// Sets a savepoint. It ends with [`Tx::release_savepoint`] or [`Tx::roll_back_to_savepoint`]; until then others may be set
    /// within it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn savepoint(&mut self) -> Result<(), DbError> {
        self.run("SAVEPOINT part").await
    }

    /// Ends the last savepoint. What was written since then belongs to the transaction, or to the savepoint around it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_savepoint(&mut self) -> Result<(), DbError> {
        self.run("RELEASE SAVEPOINT part").await
    }

    /// Undoes what was written since the last savepoint, and ends it. PostgreSQL refuses every other statement of a transaction
    /// in which one has failed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roll_back_to_savepoint(&mut self) -> Result<(), DbError> {
        self.run("ROLLBACK TO SAVEPOINT part").await?;
        self.release_savepoint().await
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), DbError> {
        on_engine!(self, c => sqlx::query(statement).execute(c).await?.rows_affected());
        Ok(())
    }
}

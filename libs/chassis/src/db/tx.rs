//! Transaction of either engine: the unit of work of a request.

use std::sync::Arc;
use std::time::Instant;

use sqlx::{Sqlite, Transaction};
use tokio::sync::Notify;

use super::shared_commit::SharedUnit;
use super::{Connection, DbError, Engine, Handle, PgSession, counting};
use crate::telemetry::Span;

/// The transaction of an engine.
#[derive(Debug)]
pub(super) enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Shared(SharedUnit),
    Postgres(PgSession),
}

/// A transaction, the unit of work of a request. It is rolled back when it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    name: &'static str,
    started: Instant,
    wake: Vec<Arc<Notify>>,
    span: Span,
}

impl Tx {
    pub(super) fn new(inner: TxInner, name: &'static str, span: Span) -> Self {
        Self {
            inner,
            name,
            started: Instant::now(),
            wake: Vec::new(),
            span,
        }
    }

    /// Notifies `waiter` once this transaction is committed.
    pub fn wake_on_commit(&mut self, waiter: &Arc<Notify>) {
        if !self.wake.iter().any(|known| Arc::ptr_eq(known, waiter)) {
            self.wake.push(Arc::clone(waiter));
        }
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// The engine refuses; then nothing of the transaction is stored.
    pub async fn commit(mut self) -> Result<(), DbError> {
        let mut span = self.span.fail_on_drop("not_committed");
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            // Who is waiting is woken even if this request ends before the others have committed.
            TxInner::Shared(unit) => unit.commit(std::mem::take(&mut self.wake)).await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        span.set("vestibule.transaction.outcome", "committed");
        span.succeed();
        metrics::histogram!("vestibule_db_transaction_seconds", "name" => self.name)
            .record(self.started.elapsed().as_secs_f64());
        for waiter in &self.wake {
            waiter.notify_one();
        }
        Ok(())
    }

    /// Commits after success, and rolls back after a failure. Either way the caller may answer afterwards: whatever the unit of
    /// work has read is committed.
    ///
    /// # Errors
    /// `outcome`, or the engine refuses.
    pub async fn finish<T, E: From<DbError>>(self, outcome: Result<T, E>) -> Result<T, E> {
        if outcome.is_ok() {
            self.commit().await?;
            return outcome;
        }
        let is_shared = matches!(self.inner, TxInner::Shared(_));
        let undone = self.rollback().await;
        if is_shared {
            // A failure may rest on what another unit of work wrote.
            undone?;
        }
        outcome
    }

    /// Rolls the transaction back. Dropping it does the same, a little later, and without a wait for the units of work that share
    /// a commit with it.
    ///
    /// # Errors
    /// The connection is lost; then the engine rolls back by itself. [`DbError::NotCommitted`]: a unit of work whose result was
    /// read is not committed either.
    pub async fn rollback(mut self) -> Result<(), DbError> {
        self.span.set("vestibule.transaction.outcome", "rolled_back");
        match self.inner {
            TxInner::Sqlite(tx) => tx.rollback().await?,
            TxInner::Shared(unit) => unit.rollback().await?,
            TxInner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

impl Connection for Tx {
    fn handle(&mut self) -> Handle<'_> {
        counting::count();
        match &mut self.inner {
            TxInner::Sqlite(tx) => Handle::Sqlite(tx),
            TxInner::Shared(unit) => Handle::Sqlite(unit.connection()),
            TxInner::Postgres(tx) => Handle::Postgres(tx),
        }
    }

    fn engine(&self) -> Engine {
        match self.inner {
            TxInner::Sqlite(_) | TxInner::Shared(_) => Engine::Sqlite,
            TxInner::Postgres(_) => Engine::Postgres,
        }
    }
}

//! The units of work of one transaction, which share its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Error, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Notify, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot};

use crate::db::DbError;

/// The units of work that share a commit at most.
const MAX_UNITS: usize = 64;

/// The connection of the unit of work that goes on.
pub(super) type Held =
    OwnedMappedMutexGuard<Option<Transaction<'static, Sqlite>>, Transaction<'static, Sqlite>>;

type Slot = Arc<tokio::sync::Mutex<Option<Transaction<'static, Sqlite>>>>;

/// The units of work of one transaction.
#[derive(Debug)]
pub(super) struct Batch {
    transaction: Slot,
    /// The count of rollbacks when the transaction began: another one means that it has ended.
    rollbacks: u64,
    /// Those that have ended and wait for the commit.
    ended: Vec<Ended>,
    /// The time when the first one ended.
    first_ended: Option<Instant>,
    savepoint: Savepoint,
}

/// The savepoint `unit` of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Savepoint {
    /// It is not set: the first unit of work needs none, because nothing else is in the transaction.
    Unset,
    /// A unit of work began at it and goes on.
    InUse,
    /// Its unit of work has ended.
    Left,
}

/// A unit of work that waits for the commit.
#[derive(Debug)]
struct Ended {
    wake: Vec<Arc<Notify>>,
    outcome: oneshot::Sender<Result<(), DbError>>,
}

/// The number of transactions of the writer that were rolled back, also by SQLite itself, as it does when the disk is full.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Rollbacks(Arc<AtomicU64>);

impl Rollbacks {
    /// Counts the rollbacks of a connection.
    pub(in crate::db) async fn watch(&self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let count = Arc::clone(&self.0);
        let counting = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        connection.lock_handle().await?.set_rollback_hook(counting);
        Ok(())
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Batch {
    /// A batch in a transaction that has begun. Its first unit of work goes on.
    pub(super) fn new(transaction: Transaction<'static, Sqlite>, rollbacks: &Rollbacks) -> Self {
        Self {
            transaction: Arc::new(tokio::sync::Mutex::new(Some(transaction))),
            rollbacks: rollbacks.count(),
            ended: Vec::new(),
            first_ended: None,
            savepoint: Savepoint::Unset,
        }
    }

    pub(super) async fn connection(&self) -> Result<Held, Error> {
        let held = Arc::clone(&self.transaction).lock_owned().await;
        OwnedMutexGuard::try_map(held, Option::as_mut).map_err(|_| Error::PoolClosed)
    }

    pub(super) async fn set_savepoint(&mut self) -> Result<Held, Error> {
        let mut connection = self.connection().await?;
        let statement = match self.savepoint {
            Savepoint::Unset => "SAVEPOINT unit",
            Savepoint::Left | Savepoint::InUse => "RELEASE SAVEPOINT unit; SAVEPOINT unit",
        };
        sqlx::query(statement).execute(&mut **connection).await?;
        self.savepoint = Savepoint::InUse;
        Ok(connection)
    }

    pub(super) fn is_alive(&self, rollbacks: &Rollbacks) -> bool {
        self.rollbacks == rollbacks.count()
    }

    /// True if another unit of work may join.
    pub(super) fn has_room(&self, open_for: Duration, rollbacks: &Rollbacks) -> bool {
        self.ended.len() < MAX_UNITS
            && self.first_ended.is_none_or(|at| at.elapsed() < open_for)
            && self.is_alive(rollbacks)
    }

    /// The number of units of work that have ended.
    pub(super) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Ends the unit of work that goes on. What is returned says whether it was committed.
    pub(super) fn end(&mut self, wake: Vec<Arc<Notify>>) -> oneshot::Receiver<Result<(), DbError>> {
        let (outcome, committed) = oneshot::channel();
        self.ended.push(Ended { wake, outcome });
        self.first_ended.get_or_insert_with(Instant::now);
        if self.savepoint == Savepoint::InUse {
            self.savepoint = Savepoint::Left;
        }
        committed
    }

    /// Rolls the transaction back, before a unit of work has ended in it.
    pub(super) async fn roll_back(self, rollbacks: &Rollbacks) -> Result<(), Error> {
        let transaction = self.transaction.lock().await.take();
        match transaction.filter(|_| self.is_alive(rollbacks)) {
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }

    /// Undoes the unit of work that goes on.
    pub(super) async fn undo(&mut self) -> Result<(), Error> {
        if self.savepoint == Savepoint::InUse {
            let mut connection = self.connection().await?;
            sqlx::query("ROLLBACK TO SAVEPOINT unit")
                .execute(&mut **connection)
                .await?;
            self.savepoint = Savepoint::Left;
        }
        Ok(())
    }

    pub(super) async fn undo_and_commit(mut self, rollbacks: &Rollbacks) {
        match self.undo().await {
            Ok(()) => self.commit(rollbacks).await,
            Err(error) => self.refuse(error.into()),
        }
    }

    /// Commits, and tells the units of work that have ended.
    pub(super) async fn commit(self, rollbacks: &Rollbacks) {
        let transaction = self.transaction.lock().await.take();
        // A statement after the transaction was rolled back would have begun another one, without what was before.
        let alive = transaction.filter(|_| self.is_alive(rollbacks));
        let committed = match alive {
            Some(transaction) => transaction.commit().await.map_err(DbError::from),
            None => Err(DbError::NotCommitted(None)),
        };
        match committed {
            Ok(()) => {
                for ended in self.ended {
                    ended.wake.iter().for_each(|waiter| waiter.notify_one());
                    // Who does not wait any more is not told.
                    let _ = ended.outcome.send(Ok(()));
                }
            }
            Err(error) => self.refuse(error),
        }
    }

    /// Tells the units of work that have ended why they are not committed. One alone gets the error as it is.
    fn refuse(self, error: DbError) {
        let mut ended = self.ended;
        if ended.len() == 1
            && let Some(alone) = ended.pop()
        {
            let _ = alone.outcome.send(Err(error));
            return;
        }
        let error = Arc::new(error);
        for ended in ended {
            let error = match &*error {
                DbError::Full => DbError::Full,
                DbError::Corrupt => DbError::Corrupt,
                DbError::NotCommitted(None) => DbError::NotCommitted(None),
                _ => DbError::NotCommitted(Some(Arc::clone(&error))),
            };
            let _ = ended.outcome.send(Err(error));
        }
    }
}

//! Commits of SQLite that several units of work share, so that they wait for the disk once.
//!
//! SQLite has one writer, and each commit waits until the disk has its pages. Units of work that were begun with
//! [`Db::begin_shared`](super::Db::begin_shared) run one after the other in one transaction, each within a savepoint, and are
//! acknowledged by the one commit. See `docs/decisions/0072-shared-commits.md`.

mod batch;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) use batch::Rollbacks;
use batch::{Batch, Held};
use sqlx::{Error, SqliteConnection, SqlitePool};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::DbError;

/// After this time from the end of its first unit of work, a batch takes no other one in.
const OPEN_FOR: Duration = Duration::from_millis(5);

/// The one writer of a SQLite file, for units of work that share commits.
#[derive(Debug)]
pub struct SharedCommits {
    write: SqlitePool,
    /// The longest that a unit of work waits for its turn. The pool bounds the wait for the connection after that.
    acquire_timeout: Duration,
    open_for: Duration,
    turns: Mutex<Turns>,
    rollbacks: Rollbacks,
}

/// The queue for the turn. There is one turn.
#[derive(Debug, Default)]
struct Turns {
    is_taken: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The turn to write. When it is dropped the next one gets it, once nothing is left of the unit of work that was interrupted.
#[derive(Debug)]
struct Turn {
    commits: Arc<SharedCommits>,
    batch: Option<Batch>,
    /// False if the turn was passed on.
    is_held: bool,
}

impl SharedCommits {
    pub(super) fn new(write: SqlitePool, rollbacks: Rollbacks, acquire_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            write,
            acquire_timeout,
            open_for: OPEN_FOR,
            turns: Mutex::default(),
            rollbacks,
        })
    }

    /// The same writer, whose batches take others in for `open_for`: for tests, in which steps take longer.
    #[must_use]
    pub fn with_batches_open_for(&self, open_for: Duration) -> Arc<Self> {
        Arc::new(Self {
            write: self.write.clone(),
            acquire_timeout: self.acquire_timeout,
            open_for,
            turns: Mutex::default(),
            rollbacks: self.rollbacks.clone(),
        })
    }

    /// Begins a unit of work, in the transaction of the one before if that has left it open.
    pub(super) async fn begin(self: &Arc<Self>) -> Result<SharedUnit, Error> {
        let turn = tokio::time::timeout(self.acquire_timeout, self.wait_for_turn());
        let turn = turn.await.map_err(|_| Error::PoolTimedOut)?;
        let mut turn = turn.ok_or(Error::PoolClosed)?;
        // The unit of work that has the turn stands in the queue of the pool for those behind it, too. The pool bounds this wait
        // from its beginning: if a turn that came late gave its place up, the next one would stand at the end.
        let connection = turn.begin().await?;
        Ok(SharedUnit { connection, turn })
    }

    async fn wait_for_turn(self: &Arc<Self>) -> Option<Turn> {
        let waiting = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if !turns.is_taken {
                turns.is_taken = true;
                return Some(Turn::new(Arc::clone(self), None));
            }
            let (sender, waiting) = oneshot::channel();
            turns.waiting.push_back(sender);
            waiting
        };
        waiting.await.ok()
    }

    /// Passes the turn on with the open transaction of a batch, which comes back if nobody waits.
    fn pass_on(self: &Arc<Self>, batch: Batch) -> Option<Batch> {
        let mut turn = Turn::new(Arc::clone(self), Some(batch));
        while let Some(next) = self.next() {
            match next.send(turn) {
                Ok(()) => return None,
                // It does not wait any more.
                Err(back) => turn = back,
            }
        }
        turn.is_held = false;
        turn.batch.take()
    }

    /// Passes the turn on with nothing.
    fn release(self: &Arc<Self>) {
        loop {
            let next = {
                let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
                let next = turns.waiting.pop_front();
                turns.is_taken = next.is_some();
                next
            };
            let Some(next) = next else { return };
            match next.send(Turn::new(Arc::clone(self), None)) {
                Ok(()) => return,
                Err(mut back) => back.is_held = false,
            }
        }
    }

    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.waiting.pop_front()
    }
}

impl Turn {
    fn new(commits: Arc<SharedCommits>, batch: Option<Batch>) -> Self {
        Self {
            commits,
            batch,
            is_held: true,
        }
    }

    /// Begins a unit of work: at a savepoint of the open transaction, or with a transaction of its own.
    async fn begin(&mut self) -> Result<Held, Error> {
        if let Some(batch) = &mut self.batch {
            if let Ok(connection) = batch.set_savepoint().await {
                return Ok(connection);
            }
            // This one has done nothing yet. Those before are told, also if this one is cancelled meanwhile.
            if let Some(batch) = self.batch.take() {
                let rollbacks = self.commits.rollbacks.clone();
                let _ = in_background(async move { batch.commit(&rollbacks).await }).await;
            }
        }
        let transaction = self.commits.write.begin_with("BEGIN IMMEDIATE").await?;
        let batch = self
            .batch
            .insert(Batch::new(transaction, &self.commits.rollbacks));
        batch.connection().await
    }

    /// Ends a unit of work, and waits for the commit that it shares.
    async fn end(mut self, wake: Vec<Arc<Notify>>) -> Result<(), DbError> {
        let Some(mut batch) = self.batch.take() else {
            return Ok(());
        };
        let committed = batch.end(wake);
        // Nobody is waited for: who waits for the turn now comes along.
        let batch = if batch.has_room(self.commits.open_for, &self.commits.rollbacks) {
            self.is_held = false;
            let back = self.commits.pass_on(batch);
            self.is_held = back.is_some();
            back
        } else {
            Some(batch)
        };
        match batch {
            // A request that is cancelled cancels only its own commit.
            Some(batch) if batch.ended() == 1 => {
                batch.commit(&self.commits.rollbacks).await;
                drop(self);
            }
            Some(batch) => {
                drop(in_background(async move {
                    batch.commit(&self.commits.rollbacks).await;
                    drop(self);
                }));
            }
            None => {}
        }
        // The runtime ends, and with it the task of the commit.
        committed.await.unwrap_or(Err(DbError::NotCommitted(None)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        match self.batch.take() {
            Some(batch) if batch.ended() > 0 => {
                let turn = Self::new(Arc::clone(&self.commits), None);
                // Without a runtime the program ends, and nothing of the batch is committed.
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        batch.undo_and_commit(&turn.commits.rollbacks).await;
                        drop(turn);
                    });
                }
            }
            // Dropped, the transaction is rolled back.
            batch => {
                drop(batch);
                self.commits.release();
            }
        }
    }
}

/// Runs what a cancelled request must not interrupt.
#[expect(
    clippy::disallowed_methods,
    reason = "it holds the writer, which the database waits for when it is closed"
)]
fn in_background(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

/// A unit of work that may share its commit. When it is dropped it is undone, and nothing else of its batch.
#[derive(Debug)]
pub(super) struct SharedUnit {
    // Declared before the turn, so that it is released first.
    connection: Held,
    turn: Turn,
}

impl SharedUnit {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Returns once the shared commit is done, which wakes `wake`.
    pub(super) async fn commit(self, wake: Vec<Arc<Notify>>) -> Result<(), DbError> {
        let Self { connection, turn } = self;
        drop(connection);
        turn.end(wake).await
    }

    /// Undoes this unit of work. What it has read may not have been committed yet: so it returns once that is.
    pub(super) async fn rollback(self) -> Result<(), DbError> {
        let Self { connection, mut turn } = self;
        drop(connection);
        match turn.batch.take() {
            None => Ok(()),
            Some(batch) if batch.ended() == 0 => Ok(batch.roll_back(&turn.commits.rollbacks).await?),
            Some(batch) => {
                let batch = turn.batch.insert(batch);
                if batch.is_alive(&turn.commits.rollbacks) {
                    batch.undo().await?;
                }
                turn.end(Vec::new()).await
            }
        }
    }
}

//! The requests that wait until a user is created.

use std::sync::Arc;
use std::time::Duration;

use chassis::db::Tx;
use chassis::shutdown::Shutdown;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Requests that may wait at the same time.
const WAITING_ROOM: usize = 1024;

/// Wakes every waiting request when a user was created. A commit wakes one waiter of a [`Notify`]; the task of
/// [`UserCreatedWaiters::run`] is that waiter, and wakes all the others. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct UserCreatedWaiters {
    committed: Arc<Notify>,
    waiting: Arc<Notify>,
    room: Arc<Semaphore>,
    /// The time for which a request waits.
    pub(crate) patience: Duration,
    /// The interval at which it looks meanwhile, for people that another replica added.
    pub(crate) look_again: Duration,
}

impl Default for UserCreatedWaiters {
    fn default() -> Self {
        Self::new(Duration::from_secs(2), Duration::from_millis(250))
    }
}

impl UserCreatedWaiters {
    /// Lets requests wait for `patience`, looking every `look_again`.
    pub(crate) fn new(patience: Duration, look_again: Duration) -> Self {
        Self {
            committed: Arc::default(),
            waiting: Arc::default(),
            room: Arc::new(Semaphore::new(WAITING_ROOM)),
            patience,
            look_again,
        }
    }

    /// Starts the task that passes the word on.
    pub(crate) fn run(&self, shutdown: &Shutdown) {
        let (committed, waiting) = (Arc::clone(&self.committed), Arc::clone(&self.waiting));
        let ended = shutdown.clone();
        shutdown.spawn("user_created_waiters", async move {
            loop {
                tokio::select! {
                    () = committed.notified() => waiting.notify_waiters(),
                    () = ended.cancelled() => break,
                }
            }
        });
    }

    /// Wakes the waiting requests once `tx` is committed.
    pub(crate) fn announce_on_commit(&self, tx: &mut Tx) {
        tx.wake_on_commit(&self.committed);
    }

    /// A place to wait in, unless too many wait already.
    pub(crate) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.room.try_acquire().ok()
    }

    /// The next arrival. Enable it before looking, so that none is missed between the look and the wait.
    pub(crate) fn next(&self) -> Notified<'_> {
        self.waiting.notified()
    }

    /// The number of requests that wait.
    #[cfg(test)]
    pub(crate) fn crowd(&self) -> usize {
        WAITING_ROOM - self.room.available_permits()
    }
}

//! Pool of read-only SQLite connections.
//!
//! sqlx's own pool pings a connection each time it is returned, in a task of its own: for a file that costs as much as the
//! read itself, and unlike a server a file does not become unavailable.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// A slot for a connection, which is opened on first use.
type Slot = Arc<tokio::sync::Mutex<Option<SqliteConnection>>>;

/// A bounded pool of read-only connections. The most recently used one is given out first.
#[derive(Debug)]
pub struct Readers {
    options: SqliteConnectOptions,
    slots: Vec<Slot>,
    free: Mutex<Vec<usize>>,
    permits: Arc<Semaphore>,
    acquire_timeout: Duration,
}

impl Readers {
    /// A pool of at most `connections`. A reader waits up to `acquire_timeout` for one.
    pub(super) fn new(
        options: SqliteConnectOptions,
        connections: u32,
        acquire_timeout: Duration,
    ) -> Arc<Self> {
        let count = usize::try_from(connections.max(1)).unwrap_or(1);
        Arc::new(Self {
            options,
            slots: (0..count).map(|_| Slot::default()).collect(),
            free: Mutex::new((0..count).collect()),
            permits: Arc::new(Semaphore::new(count)),
            acquire_timeout,
        })
    }

    /// Acquires a connection, once one is free.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<SqliteReader, sqlx::Error> {
        let permit = tokio::time::timeout(self.acquire_timeout, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let lease = SlotLease::acquire(self, permit).ok_or(sqlx::Error::PoolClosed)?;
        let mut slot = Arc::clone(&lease.slot).lock_owned().await;
        if slot.is_none() {
            *slot = Some(self.options.connect().await?);
        }
        let connection =
            OwnedMutexGuard::try_map(slot, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(SqliteReader {
            connection,
            _lease: lease,
        })
    }

    /// The numbers of open connections, of idle ones, and the limit.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // The most recently used one is given out first, so those that were never opened lie below.
        let is_open = |index: &&usize| {
            let slot = self.slots.get(**index).map(|slot| slot.try_lock());
            matches!(slot, Some(Ok(connection)) if connection.is_some())
        };
        let idle = free.iter().filter(is_open).count();
        let used = self.slots.len() - free.len();
        (idle + used, idle, self.slots.len())
    }

    /// Closes every connection, once those in use are given back.
    pub(super) async fn close(&self) {
        self.permits.close();
        for slot in &self.slots {
            let connection = slot.lock().await.take();
            if let Some(connection) = connection {
                // If closing fails, dropping the connection closes it.
                let _ = sqlx::Connection::close(connection).await;
            }
        }
    }
}

/// The lease of one slot. It ends when it is dropped.
#[derive(Debug)]
struct SlotLease {
    readers: Arc<Readers>,
    index: usize,
    slot: Slot,
    _permit: OwnedSemaphorePermit,
}

impl SlotLease {
    fn acquire(readers: &Arc<Readers>, permit: OwnedSemaphorePermit) -> Option<Self> {
        let index = readers
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()?;
        Some(Self {
            slot: Arc::clone(readers.slots.get(index)?),
            readers: Arc::clone(readers),
            index,
            _permit: permit,
        })
    }
}

impl Drop for SlotLease {
    fn drop(&mut self) {
        self.readers
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.index);
    }
}

/// A connection that only reads, given back when dropped.
#[derive(Debug)]
pub struct SqliteReader {
    // Declared before the lease, so that the connection is released first.
    connection: OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>,
    _lease: SlotLease,
}

impl SqliteReader {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(connections: u32) -> Arc<Readers> {
        Readers::new(
            SqliteConnectOptions::new().in_memory(true),
            connections,
            Duration::from_millis(50),
        )
    }

    #[tokio::test]
    async fn connections_are_bounded_reused_and_given_back_even_after_a_cancelled_read() {
        let readers = readers(1);
        for _ in 0..3 {
            let mut reader = readers.acquire().await.unwrap();
            let slow = sqlx::query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT max(i) FROM n")
                .fetch_one(reader.connection());
            let _ = tokio::time::timeout(Duration::ZERO, slow).await;
            assert!(matches!(readers.acquire().await, Err(sqlx::Error::PoolTimedOut)));
            drop(reader);
            let mut reader = readers.acquire().await.unwrap();
            let one: i64 = sqlx::query_scalar("SELECT 1")
                .fetch_one(reader.connection())
                .await
                .unwrap();
            assert_eq!(one, 1);
        }
    }

    #[tokio::test]
    async fn a_closed_set_gives_no_more_and_waits_for_those_in_use() {
        let readers = readers(2);
        let reader = readers.acquire().await.unwrap();
        let closing = readers.close();
        tokio::pin!(closing);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), &mut closing)
                .await
                .is_err()
        );
        drop(reader);
        closing.await;
        assert!(matches!(readers.acquire().await, Err(sqlx::Error::PoolClosed)));
    }
}

//! Memory beyond the block of each hashing thread, for imported hashes that need more than a hash at the configured cost.

use std::sync::{Condvar, Mutex, PoisonError};

/// The memory that all hashing threads share beyond their blocks, in bytes.
pub(super) struct SpareMemory {
    total: u64,
    free: Mutex<u64>,
    released: Condvar,
}

/// Bytes of the spare memory, until it is dropped.
pub(super) struct Lease<'a> {
    memory: &'a SpareMemory,
    bytes: u64,
}

impl SpareMemory {
    pub(super) fn new(total: u64) -> Self {
        Self {
            total,
            free: Mutex::new(total),
            released: Condvar::new(),
        }
    }

    /// All bytes of it.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Waits until `bytes` are free. More than there are in all count as all: such a hash was imported by a process with more
    /// memory, and is the only one that uses the spare memory here.
    pub(super) fn acquire(&self, bytes: u64) -> Lease<'_> {
        let bytes = bytes.min(self.total);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .released
            .wait_while(free, |free| *free < bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Lease { memory: self, bytes }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        *self.memory.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.memory.released.notify_all();
    }
}

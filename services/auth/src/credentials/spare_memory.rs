//! Memory beyond the block of each hashing thread, for imported hashes that need more than a hash at the configured cost.

use std::sync::{Condvar, Mutex, PoisonError};

/// The memory that all hashing threads share beyond their blocks, in bytes.
pub(super) struct SpareMemory {
    total: u64,
    /// The most threads that may wait for memory. A thread that waits checks nothing for anybody.
    max_waiting: usize,
    state: Mutex<State>,
    released: Condvar,
}

struct State {
    free: u64,
    waiting: usize,
}

/// The reason why no memory was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is never as much: the hash was imported by a process with more memory.
    TooLarge,
    /// As many threads wait already as may.
    Busy,
}

/// Bytes of the spare memory, until it is dropped.
pub(super) struct Lease<'a> {
    memory: &'a SpareMemory,
    bytes: u64,
}

impl SpareMemory {
    /// The spare memory of `threads` threads.
    pub(super) fn new(total: u64, threads: usize) -> Self {
        Self {
            total,
            max_waiting: threads / 2,
            state: Mutex::new(State {
                free: total,
                waiting: 0,
            }),
            released: Condvar::new(),
        }
    }

    /// All bytes of it.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Waits until `bytes` are free.
    ///
    /// # Errors
    /// [`Refused`], at once.
    pub(super) fn acquire(&self, bytes: u64) -> Result<Lease<'_>, Refused> {
        if bytes > self.total {
            return Err(Refused::TooLarge);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.free < bytes {
            if state.waiting >= self.max_waiting {
                return Err(Refused::Busy);
            }
            state.waiting += 1;
            state = self
                .released
                .wait_while(state, |state| state.free < bytes)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free -= bytes;
        Ok(Lease { memory: self, bytes })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += self.bytes;
        drop(state);
        self.memory.released.notify_all();
    }
}

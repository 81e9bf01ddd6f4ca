//! A bounded queue between requests and the threads that hash.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What a thread finds in the queue.
pub(super) enum NextJob<T> {
    /// Something to do.
    Job(T),
    /// Nothing for a while: a good moment to give memory back.
    Idle,
    /// Nobody will ask any more.
    Closed,
}

struct Inner<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// First in, first out, never longer than its capacity.
pub(super) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
    capacity: usize,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                waiting: VecDeque::with_capacity(capacity),
                closed: false,
            }),
            filled: Condvar::new(),
            capacity,
        }
    }

    /// Puts `job` at the end; hands back how many wait when it is full.
    pub(super) fn push(&self, job: T) -> Result<usize, usize> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = inner.waiting.len();
        if inner.closed || waiting >= self.capacity {
            return Err(waiting);
        }
        inner.waiting.push_back(job);
        drop(inner);
        self.filled.notify_one();
        Ok(waiting + 1)
    }

    /// The job that waited longest. Waits for one, but no longer than `timeout`.
    pub(super) fn next(&self, timeout: Option<Duration>) -> NextJob<T> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = inner.waiting.pop_front() {
                return NextJob::Job(job);
            }
            if inner.closed {
                return NextJob::Closed;
            }
            match timeout {
                None => inner = self.filled.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(timeout) => {
                    let (again, timeout) = self
                        .filled
                        .wait_timeout(inner, timeout)
                        .unwrap_or_else(PoisonError::into_inner);
                    inner = again;
                    if timeout.timed_out() && inner.waiting.is_empty() && !inner.closed {
                        return NextJob::Idle;
                    }
                }
            }
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waiting
            .len()
    }

    /// Lets the threads end once the queue is empty.
    pub(super) fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.filled.notify_all();
    }
}

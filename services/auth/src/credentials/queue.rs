//! The bounded queue between requests and the hashing threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The result of a thread's wait for a job.
pub(super) enum NextJob<T> {
    /// A job to run.
    Job(T),
    /// No job came within the timeout.
    Idle,
    /// The queue is closed and empty.
    Closed,
}

struct Inner<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// A bounded first-in, first-out queue.
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

    /// Appends `job`. When the queue is full or closed, the error is the number of waiting jobs.
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

    /// The oldest job. It waits for one for `timeout` at most.
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

    /// The number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waiting
            .len()
    }

    /// Closes the queue. The threads end once it is empty.
    pub(super) fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.filled.notify_all();
    }
}

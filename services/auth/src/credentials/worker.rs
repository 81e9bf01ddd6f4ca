//! The threads of the hashing pool.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use chassis::telemetry::{Span, SpanKind};
use metrics::{Gauge, gauge, histogram};

use password_hashes::argon2::ScratchMemory;

use super::argon2::{self, Argon2Error};
use super::hasher::{HashError, Job, NewPasswordError, Pool, Task};
use super::queue::NextJob;

/// The time for which an idle thread keeps its block of memory.
const KEEP_MEMORY: Duration = Duration::from_secs(5);

/// The time for which the allocator keeps freed memory for reuse, and a little more.
const PURGE_AFTER: Duration = Duration::from_secs(2);

/// The niceness of a hashing thread (0 to 19). On a contended core, requests for tokens run first. A pool
/// that has the core to itself loses nothing.
const NICENESS: i32 = 10;

impl Pool {
    /// Runs jobs until the queue is closed.
    pub(super) fn run_worker(&self) {
        // Linux has a niceness per thread, so this concerns this thread alone. Some sandboxes refuse the
        // call. The pool works without it.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
        let mut scratch = ScratchMemory::default();
        let mut timeout = None;
        loop {
            match self.queue.next(timeout) {
                NextJob::Job(job) => {
                    timeout = Some(KEEP_MEMORY);
                    self.run_job(&mut scratch, job);
                }
                NextJob::Idle if scratch.is_held() => {
                    scratch.release();
                    timeout = Some(PURGE_AFTER);
                }
                NextJob::Idle => {
                    trigger_purge();
                    timeout = None;
                }
                NextJob::Closed => return,
            }
        }
    }

    fn run_job(&self, scratch: &mut ScratchMemory, mut job: Job) {
        job.wait_span.succeed();
        drop(std::mem::take(&mut job.wait_span));
        let abandoned = match &job.task {
            Task::CheckAndHash { reply, .. } => reply.is_closed(),
            Task::Hash { reply, .. } => reply.is_closed(),
            Task::Verify { reply, .. } => reply.is_closed(),
        };
        if abandoned {
            return;
        }
        let started = Instant::now();
        let busy = BusyGauge::increment();
        histogram!("vestibule_hash_wait_seconds").record((started - job.queued_at).as_secs_f64());
        let span = |name: &'static str| {
            let span = |trace| Span::child_of(trace, SpanKind::Internal, || name);
            job.trace.map(span).unwrap_or_default()
        };
        // The caller may be gone when the job is done, so a failed reply is ignored.
        match job.task {
            Task::CheckAndHash {
                policy,
                context,
                salt,
                reply,
            } => {
                let working = span("choose a password");
                let hash = policy
                    .check_strength(&job.password, &context)
                    .map_err(NewPasswordError::from)
                    .and_then(|()| {
                        argon2::hash(scratch, &job.password, &salt, self.cost)
                            .map_err(|error| log_failure(error).into())
                    });
                drop((working, busy));
                self.record_duration(started);
                let _ = reply.send(hash);
            }
            Task::Hash { salt, reply } => {
                let working = span("hash a password");
                let hash = argon2::hash(scratch, &job.password, &salt, self.cost);
                drop((working, busy));
                self.record_duration(started);
                let _ = reply.send(hash.map_err(log_failure));
            }
            Task::Verify { stored, reply } => {
                let working = span("verify a password");
                let verdict = self.verify(scratch, &job.password, &stored);
                drop((working, busy));
                self.record_duration(started);
                let _ = reply.send(verdict);
            }
        }
    }

    fn record_duration(&self, started: Instant) {
        let took = started.elapsed();
        histogram!("vestibule_hash_seconds").record(took.as_secs_f64());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mean_micros = self.mean_micros.load(Ordering::Relaxed);
        self.mean_micros
            .store(mean_micros - mean_micros / 8 + micros / 8, Ordering::Relaxed);
        self.completed.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts one busy thread in the gauge until it is dropped, also when the job panics.
struct BusyGauge(Gauge);

impl BusyGauge {
    fn increment() -> Self {
        let busy = gauge!("vestibule_hash_workers_busy");
        busy.increment(1.0);
        Self(busy)
    }
}

impl Drop for BusyGauge {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Makes the allocator return freed memory to the system. mimalloc does so only when a thread that has
/// allocated ends, and the threads of this service live as long as it does.
fn trigger_purge() {
    let brief = thread::Builder::new().spawn(|| drop(std::hint::black_box(vec![0_u8; 64])));
    if let Ok(brief) = brief {
        let _ = brief.join();
    }
}

fn log_failure(error: Argon2Error) -> HashError {
    tracing::error!(%error, "a password could not be hashed");
    HashError::Failed
}

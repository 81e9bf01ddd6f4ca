//! The hashing pool: a bounded queue and threads that hash and verify passwords with argon2id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chassis::random::SharedRandom;
use chassis::shutdown::spawn_thread;
use chassis::telemetry::{self, Span, SpanKind, TraceContext};
use metrics::{counter, gauge};
use tokio::sync::oneshot;

use password_hashes::{ImportError, ImportedHash};

use super::argon2;
use super::queue::Queue;
use super::spare_memory::SpareMemory;
use super::verification::DefaultTime;
use super::{Cost, Password, PasswordContext, PasswordPolicy, Weakness, resources};

/// The settings of the hashing pool.
#[derive(Clone, Copy, Debug)]
pub struct HasherConfig {
    /// The cost of each new hash.
    pub cost: Cost,
    /// The number of threads. By default it is derived from the cores and the memory of the container.
    pub threads: Option<usize>,
    /// The capacity of the queue.
    pub queue: usize,
}

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password matches the hash.
    Match {
        /// The hash has another scheme or cost than the configured one and should be replaced (SB-5).
        outdated: bool,
    },
    /// The password does not match.
    Mismatch,
    /// This version cannot read the hash. Nobody signs in with it.
    Unverifiable(ImportError),
}

/// The reason why a password was not hashed or verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The queue is full.
    #[error("too many passwords are waiting to be hashed")]
    QueueFull {
        /// The time until the queue is likely to have capacity.
        retry_after: Duration,
    },
    /// The pool has ended, or argon2 failed for a new hash.
    #[error("the password could not be hashed")]
    Failed,
}

/// The reason why a new password was not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// The password is too weak.
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// The hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// The task of a job.
pub(super) enum Task {
    CheckAndHash {
        policy: PasswordPolicy,
        context: PasswordContext,
        salt: [u8; 16],
        reply: oneshot::Sender<Result<String, NewPasswordError>>,
    },
    Hash {
        salt: [u8; 16],
        reply: oneshot::Sender<Result<String, HashError>>,
    },
    Verify {
        stored: Arc<str>,
        reply: oneshot::Sender<Result<Verdict, HashError>>,
    },
}

pub(super) struct Job {
    pub(super) password: Password,
    pub(super) task: Task,
    pub(super) queued_at: Instant,
    /// The span of the time in the queue. It ends when a thread takes the job.
    pub(super) wait_span: Span,
    /// The trace of the request that the job belongs to.
    pub(super) trace: Option<TraceContext>,
}

pub(super) struct Pool {
    pub(super) queue: Queue<Job>,
    pub(super) cost: Cost,
    pub(super) threads: usize,
    pub(super) dummy_hash: Arc<str>,
    pub(super) random: SharedRandom,
    pub(super) completed: AtomicU64,
    /// The moving average of the time of one job, in microseconds.
    pub(super) mean_micros: AtomicU64,
    pub(super) default_time: DefaultTime,
    pub(super) spare_memory: SpareMemory,
}

/// Closes the queue when the last [`Hasher`] is dropped. The threads hold the pool and not this.
struct QueueCloser(Arc<Pool>);

impl Drop for QueueCloser {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// Hashes and verifies passwords with argon2id on its own threads. It is cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<QueueCloser>);

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// The reason: the cost is out of argon2's range, or a thread cannot be started.
    pub fn start(config: HasherConfig, random: SharedRandom) -> Result<Self, String> {
        let mut chance = [0; 48];
        random.fill(&mut chance);
        let dummy_hash = argon2::dummy_hash(config.cost, &chance).map_err(|error| error.to_string())?;
        // A hash that is made here has to be one that is read here.
        ImportedHash::parse(&dummy_hash).map_err(|error| error.to_string())?;
        let threads = config
            .threads
            .unwrap_or_else(|| resources::threads(config.cost))
            .max(1);
        let pool = Arc::new(Pool {
            queue: Queue::new(config.queue.max(1)),
            cost: config.cost,
            threads,
            dummy_hash: dummy_hash.into(),
            random,
            completed: AtomicU64::new(0),
            mean_micros: AtomicU64::new(15_000),
            default_time: DefaultTime::default(),
            spare_memory: SpareMemory::new(resources::spare_memory(config.cost, threads), threads),
        });
        gauge!("vestibule_hash_workers").set(threads as f64);
        gauge!("vestibule_hash_queue_limit_jobs").set(config.queue.max(1) as f64);
        gauge!("vestibule_hash_workers_busy").set(0.0);
        let gauge_pool = Arc::downgrade(&pool);
        telemetry::before_scrape(move || {
            let waiting = gauge_pool.upgrade().map_or(0, |pool| pool.queue.len());
            gauge!("vestibule_hash_queue_jobs").set(waiting as f64);
        });
        for number in 0..threads {
            let pool = Arc::clone(&pool);
            spawn_thread(format!("hash-{number}"), "hash", move || pool.run_worker())
                .map_err(|error| format!("cannot start a thread that hashes passwords: {error}"))?;
        }
        Ok(Self(Arc::new(QueueCloser(pool))))
    }

    /// Hashes `password` with a new salt. Returns a PHC string.
    ///
    /// # Errors
    /// [`HashError::QueueFull`] at once when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        let mut salt = [0; 16];
        self.pool().random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        self.pool().push(password, Task::Hash { salt, reply })?;
        answer.await.unwrap_or(Err(HashError::Failed))
    }

    /// Checks the strength of a new `password` and hashes it unless it is weak. Both are one job of the
    /// queue, because an estimate of strength costs about as much as a hash, and as few may run at once
    /// (SB-43).
    ///
    /// # Errors
    /// [`NewPasswordError::Weak`]; [`HashError::QueueFull`] at once when too many wait.
    pub async fn check_and_hash(
        &self,
        password: Password,
        policy: PasswordPolicy,
        context: PasswordContext,
    ) -> Result<String, NewPasswordError> {
        let mut salt = [0; 16];
        self.pool().random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        let task = Task::CheckAndHash {
            policy,
            context,
            salt,
            reply,
        };
        self.pool().push(password, task)?;
        answer.await.unwrap_or(Err(HashError::Failed.into()))
    }

    /// Verifies `password` against the hash `stored`, in any scheme of [`password_hashes::Scheme`]. Without a stored hash the result is
    /// [`Verdict::Mismatch`], after the same work (SB-8).
    ///
    /// # Errors
    /// [`HashError::QueueFull`] when too many wait, or too many hashes that need much memory are checked.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<Verdict, HashError> {
        let stored = stored.map_or_else(|| Arc::clone(&self.pool().dummy_hash), Arc::from);
        let (reply, answer) = oneshot::channel();
        self.pool().push(password, Task::Verify { stored, reply })?;
        answer.await.unwrap_or(Err(HashError::Failed))
    }

    /// The memory in bytes that one check may need here.
    pub fn max_memory_bytes(&self) -> u64 {
        self.pool().max_memory_bytes()
    }

    /// The number of jobs completed since the start.
    pub fn completed(&self) -> u64 {
        self.pool().completed.load(Ordering::SeqCst)
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.pool().threads
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.0
    }
}

impl Pool {
    /// The memory in bytes that one check may need.
    pub(super) fn max_memory_bytes(&self) -> u64 {
        self.cost.memory_bytes().saturating_add(self.spare_memory.total())
    }

    fn push(&self, password: Password, task: Task) -> Result<(), HashError> {
        let job = Job {
            password,
            task,
            queued_at: Instant::now(),
            wait_span: Span::start(SpanKind::Internal, || "wait for a hashing thread")
                .fail_on_drop("refused"),
            trace: telemetry::recorded_parent(),
        };
        match self.queue.push(job) {
            Ok(_) => Ok(()),
            Err(waiting) => {
                counter!("vestibule_hash_refused_total").increment(1);
                Err(HashError::QueueFull {
                    retry_after: self.estimated_wait(waiting),
                })
            }
        }
    }

    /// The time that the threads need for `waiting` jobs: at least a second, the smallest value of
    /// `Retry-After`.
    pub(super) fn estimated_wait(&self, waiting: usize) -> Duration {
        let each = self.mean_micros.load(Ordering::Relaxed);
        let micros = each.saturating_mul(waiting as u64) / self.threads as u64;
        Duration::from_micros(micros).max(Duration::from_secs(1))
    }
}

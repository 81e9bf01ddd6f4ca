//! The bounded pool that hashes passwords.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chassis::random::SharedRandom;
use chassis::shutdown::spawn_thread;
use chassis::telemetry::{self, Span, SpanKind, TraceContext};
use metrics::{counter, gauge};
use tokio::sync::oneshot;

use super::queue::Queue;
use super::work;
use super::{Context, Cost, Password, Policy, Weakness, resources};

/// How big the pool is and how hard it works.
#[derive(Clone, Copy, Debug)]
pub struct HasherConfig {
    /// What each new hash costs.
    pub cost: Cost,
    /// Threads; without it, from the cores and the memory of the container.
    pub threads: Option<usize>,
    /// Passwords that may wait.
    pub queue: usize,
}

/// What verifying found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right {
        /// Its hash was made at another cost than today's: hash it again while the password is at hand (SB-5).
        outdated: bool,
    },
    /// It is not.
    Wrong,
}

/// Why nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The queue is full.
    #[error("too many passwords are waiting to be hashed")]
    Full {
        /// When the queue will have moved on.
        retry_after: Duration,
    },
    /// The pool has ended, or argon2 refused.
    #[error("the password could not be hashed")]
    Failed,
}

/// Why a password was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// A guesser would try it early.
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// What the threads do.
pub(super) enum Task {
    Choose {
        policy: Policy,
        context: Context,
        salt: [u8; 16],
        reply: oneshot::Sender<Result<String, ChooseError>>,
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
    pub(super) queued: Instant,
    /// Ends when a thread takes the job.
    pub(super) waiting: Span,
    /// What the work itself belongs to.
    pub(super) trace: Option<TraceContext>,
}

pub(super) struct Pool {
    pub(super) queue: Queue<Job>,
    pub(super) cost: Cost,
    pub(super) threads: usize,
    pub(super) nobody: Arc<str>,
    pub(super) random: SharedRandom,
    pub(super) done: AtomicU64,
    /// Moving average of one job, in microseconds.
    pub(super) pace: AtomicU64,
}

/// Closes the queue when the last [`Hasher`] is gone; the threads hold the pool, not this.
struct Handle(Arc<Pool>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// Hashes and verifies passwords with argon2id on threads of its own. Cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Handle>);

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the cost is out of argon2's range or a thread cannot be started; the text says which.
    pub fn start(config: HasherConfig, random: SharedRandom) -> Result<Self, String> {
        let mut chance = [0; 48];
        random.fill(&mut chance);
        let nobody = work::unmatchable(config.cost, &chance).map_err(|error| error.to_string())?;
        let threads = config
            .threads
            .unwrap_or_else(|| resources::threads(config.cost))
            .max(1);
        let pool = Arc::new(Pool {
            queue: Queue::new(config.queue.max(1)),
            cost: config.cost,
            threads,
            nobody: nobody.into(),
            random,
            done: AtomicU64::new(0),
            pace: AtomicU64::new(15_000),
        });
        gauge!("vestibule_hash_workers").set(threads as f64);
        gauge!("vestibule_hash_queue_limit_jobs").set(config.queue.max(1) as f64);
        gauge!("vestibule_hash_workers_busy").set(0.0);
        let told = Arc::downgrade(&pool);
        telemetry::before_scrape(move || {
            let waiting = told.upgrade().map_or(0, |pool| pool.queue.len());
            gauge!("vestibule_hash_queue_jobs").set(waiting as f64);
        });
        for number in 0..threads {
            let pool = Arc::clone(&pool);
            spawn_thread(format!("hash-{number}"), "hash", move || pool.serve())
                .map_err(|error| format!("cannot start a thread that hashes passwords: {error}"))?;
        }
        Ok(Self(Arc::new(Handle(pool))))
    }

    /// The hash of `password`, as a PHC string with a new salt.
    ///
    /// # Errors
    /// [`HashError::Full`] at once when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        let mut salt = [0; 16];
        self.pool().random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        self.pool().push(password, Task::Hash { salt, reply })?;
        answer.await.unwrap_or(Err(HashError::Failed))
    }

    /// Judges a new `password` and hashes it unless it is weak. Both take one place in the queue: an estimate of strength
    /// costs about as much as a hash, and as few may run at once (SB-43).
    ///
    /// # Errors
    /// [`ChooseError::Weak`]; [`HashError::Full`] at once when too many wait.
    pub async fn choose(
        &self,
        password: Password,
        policy: Policy,
        context: Context,
    ) -> Result<String, ChooseError> {
        let mut salt = [0; 16];
        self.pool().random.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        let task = Task::Choose {
            policy,
            context,
            salt,
            reply,
        };
        self.pool().push(password, task)?;
        answer.await.unwrap_or(Err(HashError::Failed.into()))
    }

    /// Whether `password` is the one of `stored`. Without a stored hash the answer is [`Verdict::Wrong`], after the
    /// same work as for one (SB-8).
    ///
    /// # Errors
    /// [`HashError::Full`] at once when too many wait.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<Verdict, HashError> {
        let stored = stored.map_or_else(|| Arc::clone(&self.pool().nobody), Arc::from);
        let (reply, answer) = oneshot::channel();
        self.pool().push(password, Task::Verify { stored, reply })?;
        answer.await.unwrap_or(Err(HashError::Failed))
    }

    /// Passwords hashed since the start, whatever for.
    pub fn done(&self) -> u64 {
        self.pool().done.load(Ordering::SeqCst)
    }

    /// Threads that hash.
    pub fn threads(&self) -> usize {
        self.pool().threads
    }

    fn pool(&self) -> &Pool {
        &self.0.0
    }
}

impl Pool {
    fn push(&self, password: Password, task: Task) -> Result<(), HashError> {
        let job = Job {
            password,
            task,
            queued: Instant::now(),
            waiting: Span::begin(SpanKind::Internal, || "wait for a hashing thread").otherwise("refused"),
            trace: telemetry::recorded(),
        };
        match self.queue.push(job) {
            Ok(_) => Ok(()),
            Err(waiting) => {
                counter!("vestibule_hash_refused_total").increment(1);
                Err(HashError::Full {
                    retry_after: self.drained_in(waiting),
                })
            }
        }
    }

    /// How long the threads need for what waits; a second at least, which is what `Retry-After` can say.
    fn drained_in(&self, waiting: usize) -> Duration {
        let each = self.pace.load(Ordering::Relaxed);
        let micros = each.saturating_mul(waiting as u64) / self.threads as u64;
        Duration::from_micros(micros).max(Duration::from_secs(1))
    }
}

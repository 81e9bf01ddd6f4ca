//! The verification of a password against a stored hash, on a hashing thread.
//!
//! The column `passwords.hash` holds the canonical text of a [`password_hashes::ImportedHash`]: the PHC string of argon2id that
//! this service makes, or the text of an imported hash. A text that this version cannot read is a failed verification, after the
//! same work, so that a replica of this version fails closed on a scheme that a later one has imported.
//!
//! **Time.** A hash at the configured cost, and the dummy hash of unknown accounts, take the same time. A check of another hash is
//! filled up with argon2id to that time, by the processor time of its thread. One that takes longer than the configured cost
//! cannot be hidden: see `docs/guides/importing-passwords.md`.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use password_hashes::argon2::ScratchMemory;
use password_hashes::{ImportError, ImportedHash};
use rustix::time::{ClockId, clock_gettime};

use super::hasher::{HashError, Pool, Verdict};
use super::spare_memory::Refused;
use super::{Cost, Password, argon2};

/// Memory of a check that needs no lease: tables and buffers of schemes that are not hard on memory.
const SMALL_MEMORY: u64 = 1024 * 1024;

/// The salt of argon2id where its result does not matter.
const FILLER_SALT: [u8; 16] = [0; 16];

/// The reason why a hash was not checked.
enum CheckError {
    /// This process cannot check it.
    Unverifiable(ImportError),
    /// The memory that it needs is in use.
    Busy,
}

impl From<ImportError> for CheckError {
    fn from(error: ImportError) -> Self {
        Self::Unverifiable(error)
    }
}

/// The processor time of one hash at the configured cost: a moving average. Zero while it is unknown.
#[derive(Default)]
pub(super) struct DefaultTime(AtomicU64);

impl DefaultTime {
    fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mean = self.0.load(Ordering::Relaxed);
        let next = if mean == 0 {
            nanos
        } else {
            mean - mean / 8 + nanos / 8
        };
        self.0.store(next, Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        let nanos = self.0.load(Ordering::Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }
}

/// The cost of the argon2id that fills a check of `used` up to `full`, the time of a hash at `cost`. The time of argon2id is
/// proportional to its memory. `None` when nothing is missing.
pub(super) fn filler(cost: Cost, full: Duration, used: Duration) -> Option<Cost> {
    let missing = full.checked_sub(used)?.as_secs_f64() / full.as_secs_f64().max(f64::MIN_POSITIVE);
    // A cast of a float saturates, and the ratio is between 0 and 1.
    let memory_kib = (f64::from(cost.memory_kib) * missing) as u32;
    // RFC 9106 §3.1: at least 8 KiB for each lane.
    (memory_kib >= 8 * cost.parallelism).then_some(Cost { memory_kib, ..cost })
}

impl Pool {
    /// Verifies `password` against the text `stored`. Every spelling of the password is checked whichever matches, so that the
    /// time tells neither which one matched nor that one did.
    ///
    /// # Errors
    /// [`HashError::QueueFull`] when the memory of the check is not there in time.
    pub(super) fn verify(
        &self,
        scratch: &mut ScratchMemory,
        password: &Password,
        stored: &str,
    ) -> Result<Verdict, HashError> {
        let hash = match ImportedHash::parse(stored) {
            Ok(hash) => hash,
            Err(error) => return Ok(self.refuse(scratch, password, error)),
        };
        let is_current = self.is_current(&hash);
        let mut verdict = Verdict::Mismatch;
        for (number, spelling) in password.spellings().enumerate() {
            let checked = if is_current {
                self.check_current(scratch, spelling, &hash)
            } else {
                self.check_other(scratch, spelling, &hash)
            };
            match checked {
                Ok(true) if verdict == Verdict::Mismatch => {
                    // A hash of the text as typed is replaced by one of the normal form. One that leaves out a part of the
                    // password stays: the new one would hold whatever stood in that part this time.
                    verdict = Verdict::Match {
                        outdated: (!is_current || number > 0) && !hash.ignores_a_part(spelling),
                    };
                }
                Ok(_) => {}
                Err(CheckError::Unverifiable(error)) => return Ok(self.refuse(scratch, password, error)),
                Err(CheckError::Busy) => {
                    return Err(HashError::QueueFull {
                        retry_after: self.estimated_wait(1),
                    });
                }
            }
        }
        Ok(verdict)
    }

    /// True if `hash` is argon2id at the configured cost.
    fn is_current(&self, hash: &ImportedHash) -> bool {
        let cost = self.cost;
        matches!(hash, ImportedHash::Argon2(hash)
            if hash.is_argon2id(cost.memory_kib, cost.iterations, cost.parallelism))
    }

    fn check_current(
        &self,
        scratch: &mut ScratchMemory,
        password: &[u8],
        hash: &ImportedHash,
    ) -> Result<bool, CheckError> {
        let began = thread_time();
        let matches = hash.verify(password, scratch)?;
        self.default_time.record(thread_time().saturating_sub(began));
        Ok(matches)
    }

    /// Checks a hash of another scheme or cost, within the spare memory, and fills the time up. A hash that needs more memory
    /// than there is cannot be verified: it was imported by a process with more.
    fn check_other(
        &self,
        scratch: &mut ScratchMemory,
        password: &[u8],
        hash: &ImportedHash,
    ) -> Result<bool, CheckError> {
        let began = thread_time();
        let memory = hash.cost().memory_bytes();
        let matches = if memory <= SMALL_MEMORY {
            hash.verify(password, scratch)?
        } else {
            // What the thread has a block for anyway counts as its own, so no other memory may be held beside.
            if !matches!(hash, ImportedHash::Argon2(_)) {
                scratch.release();
            }
            let lease = self
                .spare_memory
                .acquire(memory.saturating_sub(self.cost.memory_bytes()))
                .map_err(|refused| match refused {
                    Refused::TooLarge => CheckError::Unverifiable(ImportError::TooMuchMemory {
                        scheme: hash.scheme(),
                        limit_bytes: self.max_memory_bytes(),
                    }),
                    Refused::Busy => CheckError::Busy,
                })?;
            let matches = hash.verify(password, scratch);
            let kept = u64::try_from(scratch.bytes()).unwrap_or(u64::MAX);
            if kept > self.cost.memory_bytes() {
                scratch.release();
            }
            drop(lease);
            matches?
        };
        self.fill_up(scratch, password, thread_time().saturating_sub(began));
        Ok(matches)
    }

    /// Computes argon2id until the time of a hash at the configured cost is over, of which `used` has passed.
    fn fill_up(&self, scratch: &mut ScratchMemory, password: &[u8], used: Duration) {
        let missing = match self.default_time.get() {
            Some(full) => filler(self.cost, full, used),
            None => Some(self.cost),
        };
        let Some(cost) = missing else { return };
        let began = thread_time();
        let out = argon2::compute(scratch, password, &FILLER_SALT, cost);
        // The result is not used; the call must not be optimized away for that.
        let _ = std::hint::black_box(out);
        if cost == self.cost {
            self.default_time.record(thread_time().saturating_sub(began));
        }
    }

    /// The verdict on a hash that cannot be verified, after the work of the dummy hash.
    fn refuse(&self, scratch: &mut ScratchMemory, password: &Password, error: ImportError) -> Verdict {
        for spelling in password.spellings() {
            self.fill_up(scratch, spelling, Duration::ZERO);
        }
        Verdict::Unverifiable(error)
    }
}

/// The processor time of this thread. Unlike the time that has passed, it does not count what other threads use.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

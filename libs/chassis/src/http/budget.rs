//! Body budget: a limit on the bytes of all bodies that a process holds.
//!
//! A slow body holds memory for nothing. So all bodies share one budget, one source may use a share of it, and a share is
//! reserved for small bodies. When the budget is exhausted, a body that is still incomplete and whose sender holds more is
//! evicted for the new one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use super::budgeted_body::BodyRefused;
use crate::config::{BODY_BUDGET_SHARE, LimitsConfig};

/// The fraction of an exhausted budget that is evicted at once, because a scan of all bodies costs time.
const EVICTED_SHARE: u64 = 64;

/// This fraction of the budget is reserved for small bodies: a sign-in succeeds beside senders of large bodies.
const SMALL_BODIES_SHARE: u64 = 8;

/// The maximum size of a small body, with the head of its request.
const SMALL_BODY: u64 = 8 * 1024;

/// The body bytes that one source holds.
pub(crate) type SourceBytes = Arc<AtomicU64>;

/// The body budget of a process. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct BodyBudget(Arc<BudgetState>);

#[derive(Debug)]
struct BudgetState {
    limit: u64,
    of_source: u64,
    used: AtomicU64,
    /// The open bodies that count for a source, by [`key`].
    open: Mutex<HashMap<usize, OpenBodies>>,
    next: AtomicU64,
}

/// The open bodies of one source.
#[derive(Debug)]
struct OpenBodies {
    /// Also keeps the key from being reused.
    held: SourceBytes,
    by_number: HashMap<u64, Weak<Reservation>>,
}

/// The key of a source among all: the address of its counter.
fn key(source: &SourceBytes) -> usize {
    Arc::as_ptr(source).addr()
}

impl BodyBudget {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        let limit = limits.body_budget_bytes;
        let head = u64::try_from(limits.header_bytes).unwrap_or(u64::MAX);
        let largest = limits.body_bytes.saturating_add(head);
        Self(Arc::new(BudgetState {
            limit,
            of_source: (limit / BODY_BUDGET_SHARE).max(largest),
            used: AtomicU64::new(0),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<usize, OpenBodies>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reservation for the body of a request, of no bytes so far. `None` as source: it counts for none and is never evicted.
    pub(super) fn reserve(&self, source: Option<SourceBytes>) -> Arc<Reservation> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let reservation = Arc::new(Reservation {
            budget: self.clone(),
            id,
            source,
            bytes: AtomicU64::new(0),
            discarding: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            waker: Mutex::default(),
        });
        if let Some(source) = &reservation.source {
            let mut open = self.open();
            let bodies = open.entry(key(source)).or_insert_with(|| OpenBodies {
                held: Arc::clone(source),
                by_number: HashMap::new(),
            });
            bodies.by_number.insert(id, Arc::downgrade(&reservation));
        }
        reservation
    }

    /// The incomplete bodies of the source with this key, except `newcomer`, the largest first.
    fn incomplete(&self, source: usize, newcomer: &Reservation) -> Vec<Arc<Reservation>> {
        // All are kept until the lock is free again: dropping the last reference to one takes the lock.
        let bodies = self.open().get(&source).map(|bodies| {
            let all = bodies.by_number.values().filter_map(Weak::upgrade);
            all.collect::<Vec<_>>()
        });
        let mut bodies = bodies.unwrap_or_default();
        bodies.retain(|other| other.id != newcomer.id && other.waiting.load(Ordering::Relaxed));
        bodies.sort_unstable_by_key(|other| Reverse(other.held()));
        bodies
    }

    /// Evicts bodies of the same source that are larger than `newcomer` with `by` more bytes, the largest first.
    fn evict_in_source(&self, source: &SourceBytes, newcomer: &Reservation, by: u64) {
        let size = newcomer.held().saturating_add(by);
        let mut others = self.incomplete(key(source), newcomer);
        others.retain(|other| other.held() > size);
        evict(others, by);
    }

    /// Evicts bodies of sources that hold more than the source of `newcomer`, beginning with the source that holds most.
    fn evict_other_sources(&self, newcomer: &Reservation, by: u64) {
        let own = newcomer.source.as_ref().map_or(0, held);
        let mut sources: Vec<(u64, usize)> = {
            let open = self.open();
            let sources = open.iter().map(|(key, bodies)| (held(&bodies.held), *key));
            sources.filter(|(held, _)| *held > own).collect()
        };
        sources.sort_unstable_by_key(|source| Reverse(*source));
        let needed = by.max(self.0.limit / EVICTED_SHARE);
        let mut freed = 0;
        for (_, source) in sources {
            if freed >= needed {
                break;
            }
            freed += evict(self.incomplete(source, newcomer), needed - freed);
        }
    }

    /// The bytes that are held now.
    pub(crate) fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The bytes that may be held.
    pub(crate) fn limit(&self) -> u64 {
        self.0.limit
    }
}

/// The bytes that a source holds.
fn held(source: &SourceBytes) -> u64 {
    source.load(Ordering::Relaxed)
}

/// Evicts the first of `bodies` until `bytes` are freed. Returns how many were.
fn evict(bodies: Vec<Arc<Reservation>>, bytes: u64) -> u64 {
    let mut freed = 0;
    for body in bodies {
        if freed >= bytes {
            break;
        }
        freed += body.evict();
    }
    freed
}

/// The part of the budget that one request holds, until its response is written.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: BodyBudget,
    id: u64,
    source: Option<SourceBytes>,
    bytes: AtomicU64,
    /// The rest of the body is discarded.
    discarding: AtomicBool,
    /// The reader waits for bytes of the client.
    waiting: AtomicBool,
    /// The body was evicted: it fails at the next read.
    evicted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Reservation {
    /// Holds `by` more bytes; evicts others for them where they hold more.
    ///
    /// # Errors
    /// [`BodyRefused::OverBudget`] when there is no room.
    pub(super) fn grow(&self, by: u64) -> Result<(), BodyRefused> {
        if self.discarding.load(Ordering::Relaxed) || self.try_grow(by) {
            return Ok(());
        }
        Err(BodyRefused::OverBudget)
    }

    fn try_grow(&self, by: u64) -> bool {
        let totals = &*self.budget.0;
        let is_small = self.held().saturating_add(by) <= SMALL_BODY;
        let most = if is_small {
            totals.limit
        } else {
            totals.limit - totals.limit / SMALL_BODIES_SHARE
        };
        if let Some(source) = &self.source
            && !try_add(source, by, totals.of_source)
        {
            self.budget.evict_in_source(source, self, by);
            if !try_add(source, by, totals.of_source) {
                return false;
            }
        }
        if !try_add(&totals.used, by, most) {
            self.budget.evict_other_sources(self, by);
            if !try_add(&totals.used, by, most) {
                if let Some(held) = &self.source {
                    held.fetch_sub(by, Ordering::Relaxed);
                }
                return false;
            }
        }
        self.bytes.fetch_add(by, Ordering::Relaxed);
        true
    }

    fn held(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Evicts the body. Returns the freed bytes.
    fn evict(&self) -> u64 {
        self.evicted.store(true, Ordering::SeqCst);
        self.discarding.store(true, Ordering::Relaxed);
        let freed = self.release();
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        freed
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets whether the reader waits for the client. Returns whether the body was evicted.
    pub(super) fn set_waiting(&self, waker: Option<&Waker>) -> bool {
        if let Some(waker) = waker {
            *self.waker() = Some(waker.clone());
        }
        self.waiting.store(waker.is_some(), Ordering::SeqCst);
        self.evicted.load(Ordering::SeqCst)
    }

    /// Discards the rest of the body: it does not count any more, and the held bytes are released.
    pub(super) fn discard(&self) {
        self.discarding.store(true, Ordering::Relaxed);
        self.release();
    }

    fn release(&self) -> u64 {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        self.budget.0.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(held) = &self.source {
            held.fetch_sub(bytes, Ordering::Relaxed);
        }
        bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
        let Some(source) = &self.source else {
            return;
        };
        let mut open = self.budget.open();
        if let Some(bodies) = open.get_mut(&key(source)) {
            bodies.by_number.remove(&self.id);
            if bodies.by_number.is_empty() {
                open.remove(&key(source));
            }
        }
    }
}

fn try_add(held: &AtomicU64, by: u64, limit: u64) -> bool {
    let grown = |held: u64| held.checked_add(by).filter(|sum| *sum <= limit);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const ROUNDS: usize = 2_000;

    // SB-45
    #[test]
    fn bodies_that_begin_and_end_at_once_give_back_what_they_held() {
        let limits = LimitsConfig {
            body_bytes: 0,
            header_bytes: 0,
            body_budget_bytes: 1600,
            ..LimitsConfig::default()
        };
        let budget = BodyBudget::new(&limits);
        let (source, (done, ended)) = (SourceBytes::default(), mpsc::channel());
        for _ in 0..4 {
            let (budget, source, done) = (budget.clone(), Arc::clone(&source), done.clone());
            std::thread::spawn(move || {
                for _ in 0..ROUNDS {
                    // Each is too much for the source, so that it looks for others to evict, which end meanwhile.
                    let bodies: Vec<_> = (0..8)
                        .map(|_| budget.reserve(Some(Arc::clone(&source))))
                        .collect();
                    for body in bodies {
                        assert!(body.grow(200).is_err());
                    }
                }
                done.send(()).unwrap();
            });
        }
        for _ in 0..4 {
            let ended = ended.recv_timeout(Duration::from_secs(60));
            assert!(ended.is_ok(), "a thread waits for ever");
        }
        assert_eq!(budget.used(), 0);
        assert_eq!(held(&source), 0);
        assert!(budget.open().is_empty());
    }
}

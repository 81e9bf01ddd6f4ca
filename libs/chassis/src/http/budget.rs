//! Body budget: a limit on the bytes of all bodies that a process holds, and a deadline for each body.
//!
//! A slow body holds memory for nothing. So all bodies share one budget, one source may use a share of it, a share is
//! reserved for small bodies, and each body has a deadline. When the budget is exhausted, a body that is still incomplete
//! and whose sender holds more is evicted for the new one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::Problem;
use crate::config::LimitsConfig;

/// One source may hold this fraction of the budget, or one body of the largest allowed size.
const SOURCE_SHARE: u64 = 16;

/// When the budget is exhausted, this fraction of it is evicted at once, because a scan of all bodies costs time.
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
    /// The open requests with a body, by number.
    open: Mutex<HashMap<u64, Weak<Reservation>>>,
    next: AtomicU64,
}

impl BodyBudget {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        let limit = limits.body_budget_bytes;
        let head = u64::try_from(limits.header_bytes).unwrap_or(u64::MAX);
        let largest = limits.body_bytes.saturating_add(head);
        Self(Arc::new(BudgetState {
            limit,
            of_source: (limit / SOURCE_SHARE).max(largest),
            used: AtomicU64::new(0),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Weak<Reservation>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve(&self, source: Option<SourceBytes>) -> Arc<Reservation> {
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
        self.open().insert(id, Arc::downgrade(&reservation));
        reservation
    }

    /// The open requests with an incomplete body, except `newcomer`.
    fn waiting(&self, newcomer: &Reservation) -> Vec<Arc<Reservation>> {
        let open = self.open();
        let open = open.values().filter_map(Weak::upgrade);
        open.filter(|other| other.id != newcomer.id && other.waiting.load(Ordering::Relaxed))
            .collect()
    }

    /// Evicts bodies of the same source that are larger than `newcomer` with `by` more bytes, the largest first.
    fn evict_in_source(&self, newcomer: &Reservation, by: u64) {
        let size = newcomer.held().saturating_add(by);
        let mut others = self.waiting(newcomer);
        others.retain(|other| other.has_same_source(newcomer) && other.held() > size);
        others.sort_unstable_by_key(|other| Reverse(other.held()));
        evict(others, by);
    }

    /// Evicts bodies of sources that hold more than the source of `newcomer`, beginning with the source that holds most.
    fn evict_other_sources(&self, newcomer: &Reservation, by: u64) {
        let size = newcomer.held_by_source().unwrap_or_default();
        let mut others = self.waiting(newcomer);
        others.retain(|other| other.held_by_source().is_some_and(|held| held > size));
        others.sort_unstable_by_key(|other| Reverse((other.held_by_source(), other.held())));
        evict(others, by.max(self.0.limit / EVICTED_SHARE));
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

/// A body was refused before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyRefused {
    /// The process or the source has exhausted its bytes.
    #[error("too many bytes of bodies are held")]
    OverBudget,
    /// The client has used up its request slots, and this request waited for the client.
    #[error("too many requests of the client are open")]
    OverSlots,
    /// The body did not arrive in time.
    #[error("the body came too slowly")]
    Late,
}

impl BodyRefused {
    /// Finds the refusal among the causes of an error.
    pub(super) fn cause(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Self>() {
                return Some(*refused);
            }
            cause = error.source();
        }
        None
    }

    /// The response: 503 with `Retry-After`, or 408.
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::OverBudget | Self::OverSlots => Problem::unavailable(Duration::from_secs(1)),
            Self::Late => {
                Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail("The body did not come in time.")
            }
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::OverBudget => "body_budget",
            Self::OverSlots => "source",
            Self::Late => "body_time",
        }
    }
}

/// Evicts the first of `bodies` until `bytes` are freed.
fn evict(bodies: Vec<Arc<Reservation>>, bytes: u64) {
    let mut freed = 0;
    for body in bodies {
        if freed >= bytes {
            break;
        }
        freed += body.evict();
    }
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
    fn grow(&self, by: u64) -> Result<(), BodyRefused> {
        if self.discarding.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.try_grow(by) {
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
        if let Some(held) = self.source.as_deref()
            && !try_add(held, by, totals.of_source)
        {
            self.budget.evict_in_source(self, by);
            if !try_add(held, by, totals.of_source) {
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

    /// The bytes that the source of the request holds; `None` if the request counts for no source.
    fn held_by_source(&self) -> Option<u64> {
        self.source.as_ref().map(|held| held.load(Ordering::Relaxed))
    }

    fn has_same_source(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
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
    fn set_waiting(&self, waker: Option<&Waker>) -> bool {
        if let Some(waker) = waker {
            *self.waker() = Some(waker.clone());
        }
        self.waiting.store(waker.is_some(), Ordering::SeqCst);
        self.evicted.load(Ordering::SeqCst)
    }
}

fn try_add(held: &AtomicU64, by: u64, limit: u64) -> bool {
    let grown = |held: u64| held.checked_add(by).filter(|sum| *sum <= limit);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
        .is_ok()
}

impl Reservation {
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
        self.budget.open().remove(&self.id);
        self.release();
    }
}

/// The terms that a body is subject to: the budget and the deadline.
pub(crate) struct BodyTerms {
    pub(crate) budget: BodyBudget,
    pub(crate) time: Duration,
}

impl BodyTerms {
    /// Subjects the body of `request` to the budget and the deadline. The reservation lasts while the request is open; it is
    /// `None` without a body.
    pub(crate) fn apply<B>(
        &self,
        request: Request<B>,
        source: Option<SourceBytes>,
    ) -> (Request<Body>, Option<Arc<Reservation>>)
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        if request.body().is_end_stream() {
            return (request.map(|_| Body::empty()), None);
        }
        let reservation = self.budget.reserve(source);
        // The head is held while the body is incomplete.
        let refused = reservation.grow(head_bytes(&request)).err();
        let mut request = request.map(|inner| {
            Body::new(BudgetedBody {
                inner: Body::new(inner),
                reservation: Arc::clone(&reservation),
                refused,
                ended: false,
                deadline: Box::pin(tokio::time::sleep(self.time)),
            })
        });
        request.extensions_mut().insert(Arc::clone(&reservation));
        (request, Some(reservation))
    }
}

fn head_bytes<B>(request: &Request<B>) -> u64 {
    let headers = request.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let path = request.uri().path_and_query();
    let path = path.map_or(0, |path| path.as_str().len());
    u64::try_from(headers + path).unwrap_or(u64::MAX)
}

/// A body that fails once with [`BodyRefused`]. Later reads discard the rest.
struct BudgetedBody {
    inner: Body,
    reservation: Arc<Reservation>,
    /// The body was refused before any of it arrived.
    refused: Option<BodyRefused>,
    /// The body has failed.
    ended: bool,
    deadline: Pin<Box<Sleep>>,
}

impl BudgetedBody {
    fn refuse(&mut self, why: BodyRefused) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        self.ended = true;
        self.reservation.discard();
        metrics::counter!("vestibule_requests_refused_total", "reason" => why.label()).increment(1);
        Poll::Ready(Some(Err(why.into())))
    }
}

impl HttpBody for BudgetedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Some(why) = self.refused.take() {
            return self.refuse(why);
        }
        let ended = self.ended;
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let owed = polled.is_pending() && !ended;
        if self.reservation.set_waiting(owed.then(|| context.waker())) && !ended {
            return self.refuse(BodyRefused::OverBudget);
        }
        match polled {
            Poll::Ready(Some(Ok(frame))) if !ended => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match self.reservation.grow(u64::try_from(length).unwrap_or(u64::MAX)) {
                    Ok(()) => Poll::Ready(Some(Ok(frame))),
                    Err(why) => self.refuse(why),
                }
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending if ended => Poll::Pending,
            Poll::Pending => match self.deadline.as_mut().poll(context) {
                Poll::Ready(()) => self.refuse(BodyRefused::Late),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

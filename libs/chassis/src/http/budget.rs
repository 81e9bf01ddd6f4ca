//! The bytes of bodies that a process holds at the same time, and the time in which a body must have come.
//!
//! A body that is sent slowly holds memory for nothing. So all of them share one budget, one source has a part of it, a
//! part is for small ones, and each has a deadline.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::Problem;

/// One source may hold this part of the budget.
const PART_OF_A_SOURCE: u64 = 16;

/// This part of the budget is for small bodies: whoever signs in gets through beside those who send large ones.
const PART_OF_SMALL: u64 = 8;

/// A small body, with the head of its request, has so many bytes at most.
const SMALL: u64 = 8 * 1024;

/// Bytes that are held by one source.
pub(crate) type SourceBytes = Arc<AtomicU64>;

/// The budget of a process. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct BodyBudget(Arc<Totals>);

#[derive(Debug)]
struct Totals {
    limit: u64,
    used: AtomicU64,
}

impl BodyBudget {
    pub(crate) fn new(limit: u64) -> Self {
        Self(Arc::new(Totals {
            limit,
            used: AtomicU64::new(0),
        }))
    }

    /// Bytes that are held now.
    pub(crate) fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Bytes that may be held.
    pub(crate) fn limit(&self) -> u64 {
        self.0.limit
    }
}

/// Why a body was refused before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyRefused {
    /// The process, or the source, holds as many bytes as it may.
    #[error("too many bytes of bodies are held")]
    OverBudget,
    /// It did not come in time.
    #[error("the body came too slowly")]
    Late,
}

impl BodyRefused {
    /// The refusal that made reading fail, if it was one.
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

    /// What the client is told: 503 with `Retry-After`, or 408.
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::OverBudget => Problem::unavailable(Duration::from_secs(1)),
            Self::Late => {
                Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail("The body did not come in time.")
            }
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::OverBudget => "body_budget",
            Self::Late => "body_time",
        }
    }
}

/// What one request holds of the budget, until it is answered.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: BodyBudget,
    source: Option<SourceBytes>,
    bytes: AtomicU64,
    /// Nothing of the body is kept any more.
    discarding: AtomicBool,
}

impl Reservation {
    fn grow(&self, by: u64) -> Result<(), BodyRefused> {
        if self.discarding.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Totals { limit, used } = &*self.budget.0;
        let is_small = self.bytes.load(Ordering::Relaxed).saturating_add(by) <= SMALL;
        let most = if is_small {
            *limit
        } else {
            limit - limit / PART_OF_SMALL
        };
        let of_source = self.source.as_deref();
        if of_source.is_some_and(|held| !add(held, by, limit / PART_OF_A_SOURCE)) {
            return Err(BodyRefused::OverBudget);
        }
        if !add(used, by, most) {
            if let Some(held) = of_source {
                held.fetch_sub(by, Ordering::Relaxed);
            }
            return Err(BodyRefused::OverBudget);
        }
        self.bytes.fetch_add(by, Ordering::Relaxed);
        Ok(())
    }
}

fn add(held: &AtomicU64, by: u64, limit: u64) -> bool {
    let grown = |held: u64| held.checked_add(by).filter(|sum| *sum <= limit);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
        .is_ok()
}

impl Reservation {
    /// From now on the rest of the body is read away: it counts for nothing, and what was held of it is gone.
    pub(super) fn discard(&self) {
        self.discarding.store(true, Ordering::Relaxed);
        self.release();
    }

    fn release(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        self.budget.0.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(held) = &self.source {
            held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

/// What the body of a request is held to.
pub(crate) struct BodyTerms {
    pub(crate) budget: BodyBudget,
    pub(crate) time: Duration,
}

impl BodyTerms {
    /// Holds the body of `request` to the budget and the deadline. The reservation is for as long as the request is open;
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
        let reservation = Arc::new(Reservation {
            budget: self.budget.clone(),
            source,
            bytes: AtomicU64::new(0),
            discarding: AtomicBool::new(false),
        });
        // The head is held as long as the body is waited for.
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

/// A body that fails with [`BodyRefused`], once. What is read after that is read away.
struct BudgetedBody {
    inner: Body,
    reservation: Arc<Reservation>,
    /// Refused before anything of it came.
    refused: Option<BodyRefused>,
    /// It has failed.
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
        match Pin::new(&mut self.inner).poll_frame(context) {
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

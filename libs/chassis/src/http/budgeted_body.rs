//! Request bodies under the terms of the service: a share of the body budget, and a deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::Problem;
use super::budget::{BodyBudget, Reservation, SourceBytes};

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

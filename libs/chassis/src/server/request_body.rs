//! The body of a request, which reports to its connection whether it waits for the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::activity::BodyProgress;
use super::metrics;
use crate::http::BodyRefused;

/// The incoming body of a request.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    progress: BodyProgress,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, progress: BodyProgress) -> Self {
        Self { incoming, progress }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(context);
        let evicted = match &frame {
            Poll::Ready(_) => self.progress.received(),
            Poll::Pending => self.progress.waiting(context.waker()),
        };
        if evicted {
            metrics::count_refused("source");
            return Poll::Ready(Some(Err(BodyRefused::OverSlots.into())));
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

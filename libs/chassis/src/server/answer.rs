//! The body of an answer, which keeps its request open until it was handed over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::activity::OpenRequest;
use super::sources::RequestPlace;
use crate::http::Reservation;

/// An answer's body with what is held until its end.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: Body,
    open: OpenRequest,
    _held: Held,
}

/// What a request holds until its answer was handed over.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "held until dropped")]
pub(super) struct Held {
    pub(super) place: Option<RequestPlace>,
    pub(super) body: Option<Arc<Reservation>>,
}

impl AnswerBody {
    pub(super) fn new(body: Body, open: OpenRequest, held: Held) -> Self {
        open.offered();
        Self {
            body,
            open,
            _held: held,
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(_) => self.open.offered(),
            Poll::Pending => self.open.waits(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

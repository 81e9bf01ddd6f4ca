//! The body of a request, which tells the state of its connection whether the client owes bytes.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::activity::BodyTurn;
use super::counts;
use crate::http::BodyRefused;

/// What comes from the client.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    turn: BodyTurn,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, turn: BodyTurn) -> Self {
        Self { incoming, turn }
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
        let given_up = match &frame {
            Poll::Ready(_) => self.turn.came(),
            Poll::Pending => self.turn.waits(context.waker()),
        };
        if given_up {
            counts::refused("source");
            return Poll::Ready(Some(Err(BodyRefused::OverPlaces.into())));
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

//! The body of a request, which tells the state of its connection whether the client owes bytes.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::activity::BodyTurn;

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
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(context);
        match &frame {
            Poll::Ready(_) => self.turn.came(),
            Poll::Pending => self.turn.waits(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

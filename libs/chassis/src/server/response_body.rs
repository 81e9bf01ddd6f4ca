//! The body of an answer, which keeps its request open until it was handed over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::activity::OpenRequest;
use super::slots::RequestSlot;
use crate::http::Reservation;

/// What HTTP/2 is given of an answer at once: the library takes a part whole as soon as the client has a window for one byte of
/// it. So much a client has to take within a deadline, and so much is held for one that takes nothing.
const CHUNK: usize = 16 * 1024;

/// An answer's body with what is held until its end.
///
/// Over HTTP/2 it comes in parts, and the last byte is one of its own: the library waits with it until the client has a window
/// for all that comes before, so it is known for how long a client takes nothing.
#[derive(Debug)]
pub(super) struct ResponseBody {
    body: Body,
    /// What was read of the body and not handed on yet.
    rest: Bytes,
    begun: bool,
    open: OpenRequest,
    _held: HeldResources,
}

/// What a request holds until its answer was handed over.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "held until dropped")]
pub(super) struct HeldResources {
    pub(super) slot: Option<RequestSlot>,
    pub(super) body: Option<Arc<Reservation>>,
}

impl ResponseBody {
    pub(super) fn new(body: Body, open: OpenRequest, held: HeldResources) -> Self {
        open.response_offered();
        Self {
            body,
            rest: Bytes::new(),
            begun: false,
            open,
            _held: held,
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = match self.rest.is_empty() {
            true => Pin::new(&mut self.body).poll_frame(context),
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest))))),
        };
        let frame = match frame {
            Poll::Ready(Some(Ok(frame))) if self.open.is_http2() => Poll::Ready(Some(Ok(self.chunk(frame)))),
            frame => frame,
        };
        match &frame {
            Poll::Ready(_) => self.open.response_offered(),
            Poll::Pending => self.open.response_pending(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.begun {
            // It is asked for before the first part, for Content-Length.
            true => SizeHint::default(),
            false => self.body.size_hint(),
        }
    }
}

impl ResponseBody {
    /// The first part of a frame. The rest is kept.
    fn chunk(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        self.begun = true;
        match frame.into_data() {
            Ok(mut data) => {
                let is_last = data.len() <= CHUNK && self.body.is_end_stream();
                let length = match is_last && data.len() > 1 {
                    true => data.len() - 1,
                    false => data.len().min(CHUNK),
                };
                self.rest = data.split_off(length);
                Frame::data(data)
            }
            Err(trailers) => trailers,
        }
    }
}

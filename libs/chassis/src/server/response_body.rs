//! The body of a response, which keeps its request open until it is written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::activity::OpenRequest;
use super::slots::RequestSlot;
use crate::http::Reservation;

/// The size of the chunks that HTTP/2 is given: the library takes a chunk whole as soon as the client has a window for one
/// byte of it. A client has to read one chunk within the deadline, and one chunk is buffered for a client that does not.
const CHUNK: usize = 16 * 1024;

/// The body of a response, with the resources that are held until its end.
///
/// Over HTTP/2 it is split into chunks, and the last byte of a body whose end is known with its last frame is a chunk of its
/// own: the library holds it back until the client has a window for everything before it, which shows for how long a client
/// reads nothing. Of a stream without a known end, the client may leave the last frame unread.
#[derive(Debug)]
pub(super) struct ResponseBody {
    body: Body,
    /// Bytes of the body that are not passed on yet.
    rest: Bytes,
    begun: bool,
    open: OpenRequest,
    _held: HeldResources,
}

/// The resources that a request holds until its response is written.
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
            // It is called before the first chunk, for Content-Length.
            true => SizeHint::default(),
            false => self.body.size_hint(),
        }
    }
}

impl ResponseBody {
    /// Takes the first chunk of a frame and keeps the rest.
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

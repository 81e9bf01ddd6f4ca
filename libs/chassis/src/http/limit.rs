//! Body size limit: small for anybody, larger for a sender with a verified permission.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use ::http::Request;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::budget::Reservation;

/// The maximum size of a body from an unauthenticated sender: every form, `/authenticate`, everything under `/oauth2`.
pub const UNAUTHENTICATED_BODY_BYTES: u64 = 16 * 1024;

/// The limit on the body of one request, an extension that [`super::standard_layers`] adds. It is
/// [`UNAUTHENTICATED_BODY_BYTES`] (or `limits.body_bytes`, where that is less) until a permission extractor of
/// [`crate::access`] has verified the sender's token, and `limits.body_bytes` from then on. A route without a
/// permission therefore never reads more than the small limit.
#[derive(Clone, Debug)]
pub struct BodyLimit(Arc<LimitState>);

#[derive(Debug)]
struct LimitState {
    bytes: AtomicU64,
    authenticated_bytes: u64,
    /// True once a permission was verified.
    authorized: AtomicBool,
    /// The unread rest of a body that was too long, once the handler has dropped it.
    unread: Mutex<Option<Body>>,
    /// The reservation of the body in the body budget.
    held: Option<Arc<Reservation>>,
}

/// The body has more bytes than its [`BodyLimit`].
#[derive(Debug, thiserror::Error)]
#[error("the body is longer than {0} bytes")]
pub(super) struct BodyTooLong(pub(super) u64);

impl BodyLimit {
    /// Applies the small limit to the body of `request`; `configured` bytes are the large one. `None` without a body.
    pub(super) fn attach(request: &mut Request<Body>, configured: u64) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let limit = Self(Arc::new(LimitState {
            bytes: AtomicU64::new(configured.min(UNAUTHENTICATED_BODY_BYTES)),
            authenticated_bytes: configured,
            authorized: AtomicBool::new(false),
            unread: Mutex::default(),
            held: request.extensions_mut().remove(),
        }));
        let inner = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(LimitedBody {
            declared: inner.size_hint().lower(),
            inner,
            read: 0,
            failed: false,
            limit: limit.clone(),
        });
        request.extensions_mut().insert(limit.clone());
        Some(limit)
    }

    /// Raises the limit to the large one, for an authorized sender.
    pub fn allow_large_body(&self) {
        self.0.bytes.store(self.0.authenticated_bytes, Ordering::Relaxed);
        self.0.authorized.store(true, Ordering::Relaxed);
    }

    /// Raises the limit to `bytes`, if that is more, for an endpoint with a limit of its own. An unauthorized sender keeps the
    /// small one.
    pub fn raise_if_authorized(&self, bytes: u64) {
        if self.0.authorized.load(Ordering::Relaxed) {
            self.0.bytes.fetch_max(bytes, Ordering::Relaxed);
        }
    }

    /// The current limit.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Takes the unread rest of a body that was too long.
    pub(super) fn unread(&self) -> Option<Body> {
        self.0.unread.lock().ok()?.take()
    }
}

/// A body that fails with [`BodyTooLong`] at its first frame when its declared length is over the limit, and otherwise
/// at the frame that goes over it.
struct LimitedBody {
    inner: Body,
    declared: u64,
    read: u64,
    /// Reading failed: the body budget is exhausted, or the client is gone.
    failed: bool,
    limit: BodyLimit,
}

impl LimitedBody {
    fn check(&self) -> Result<(), BodyTooLong> {
        let limit = self.limit.bytes();
        match self.declared.max(self.read) > limit {
            true => Err(BodyTooLong(limit)),
            false => Ok(()),
        }
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Err(error) = self.check() {
            return Poll::Ready(Some(Err(error.into())));
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => {
                self.failed |= matches!(other, Some(Err(_)));
                return Poll::Ready(other.map(|frame| frame.map_err(Into::into)));
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.read = self.read.saturating_add(length as u64);
        Poll::Ready(Some(self.check().map(|()| frame).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Hands the unread rest to the layer, which discards it: closing a connection with unread bytes resets it, and the client
/// would lose the response.
impl Drop for LimitedBody {
    fn drop(&mut self) {
        if (self.failed || self.check().is_err())
            && let Ok(mut unread) = self.limit.0.unread.lock()
        {
            *unread = Some(std::mem::take(&mut self.inner));
            if let Some(held) = &self.limit.0.held {
                held.discard();
            }
        }
    }
}

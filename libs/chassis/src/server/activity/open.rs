//! Open requests of a connection, and what each of them waits for.

use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::{Activity, Stage};

/// The state of an open request.
#[derive(Clone, Copy, Debug)]
pub(super) enum RequestState {
    /// The service works on it.
    Processing,
    /// The service reads the body and waits for bytes of the client.
    AwaitingBody,
    /// HTTP/2 holds back a part of the response since then: the client has no window for it.
    AwaitingClient(Instant),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) opened: Instant,
    pub(super) state: RequestState,
    /// The request was evicted: its body fails at the next read.
    pub(super) evicted: bool,
    /// The reader of the body, while it waits for bytes of the client.
    pub(super) reader: Option<Waker>,
}

/// An open request. It is closed when it is dropped.
#[derive(Debug)]
pub(in crate::server) struct OpenRequest {
    pub(super) activity: Arc<Activity>,
    pub(super) id: u64,
    pub(super) http2: bool,
}

impl OpenRequest {
    /// A part of the response was offered; the connection polls for the next one when the client has read enough.
    pub(in crate::server) fn response_offered(&self) {
        if !self.http2 {
            return;
        }
        let mut state = self.activity.state();
        if let Some(request) = state.open.get_mut(&self.id) {
            request.state = RequestState::AwaitingClient(Instant::now());
        }
    }

    /// The connection polled for the next part of the response, which is not ready.
    pub(in crate::server) fn response_pending(&self) {
        self.activity.set_state(self.id, |state| {
            if matches!(state, RequestState::AwaitingClient(_)) {
                *state = RequestState::Processing;
            }
        });
    }

    /// True if it came over HTTP/2.
    pub(in crate::server) fn is_http2(&self) -> bool {
        self.http2
    }

    /// The connection that the request came on.
    pub(in crate::server) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// The number of the request within its connection.
    pub(in crate::server) fn number(&self) -> u64 {
        self.id
    }

    /// The progress that the body of the request reports to.
    pub(in crate::server) fn body_progress(&self) -> BodyProgress {
        BodyProgress {
            activity: Arc::clone(&self.activity),
            id: self.id,
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.open.remove(&self.id);
        if state.open.is_empty() {
            state.stage = Stage::Idle(Instant::now());
        }
    }
}

/// Reports whether the body of a request waits for the client. Dropping it reports that the body is not read any more.
#[derive(Debug)]
pub(in crate::server) struct BodyProgress {
    activity: Arc<Activity>,
    id: u64,
}

impl BodyProgress {
    /// The reader waits for the next bytes of the client. Returns whether the request was evicted.
    pub(in crate::server) fn waiting(&self, reader: &Waker) -> bool {
        self.change(|request| {
            if matches!(
                request.state,
                RequestState::Processing | RequestState::AwaitingBody
            ) {
                request.state = RequestState::AwaitingBody;
                request.reader = Some(reader.clone());
            }
        })
    }

    /// The reader waits no more. Returns whether the request was evicted.
    pub(in crate::server) fn received(&self) -> bool {
        self.change(|request| {
            if matches!(request.state, RequestState::AwaitingBody) {
                request.state = RequestState::Processing;
                request.reader = None;
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Request)) -> bool {
        let mut state = self.activity.state();
        let Some(request) = state.open.get_mut(&self.id) else {
            return false;
        };
        change(request);
        std::mem::take(&mut request.evicted)
    }
}

impl Drop for BodyProgress {
    fn drop(&mut self) {
        self.received();
    }
}

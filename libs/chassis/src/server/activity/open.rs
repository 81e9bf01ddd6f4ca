//! The open requests of a connection, and whose turn it is in each.

use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::{Activity, Stage};

/// Whose turn it is in an open request.
#[derive(Clone, Copy, Debug)]
pub(super) enum RequestState {
    /// The service works on it.
    Processing,
    /// The client owes bytes of the body, which are read already.
    AwaitingBody,
    /// HTTP/2 holds back a part of the answer since then: the client has no window for it.
    AwaitingClient(Instant),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) opened: Instant,
    pub(super) state: RequestState,
    /// Its place was given up: the body fails as soon as it is read on.
    pub(super) evicted: bool,
    /// Who reads the body, while the client owes bytes of it.
    pub(super) reader: Option<Waker>,
}

/// A request that is open.
#[derive(Debug)]
pub(in crate::server) struct OpenRequest {
    pub(super) activity: Arc<Activity>,
    pub(super) id: u64,
    pub(super) http2: bool,
}

impl OpenRequest {
    /// A part of the answer was offered; the connection asks for the next one when the client has taken enough.
    pub(in crate::server) fn response_offered(&self) {
        if !self.http2 {
            return;
        }
        let mut state = self.activity.state();
        if let Some(request) = state.open.get_mut(&self.id) {
            request.state = RequestState::AwaitingClient(Instant::now());
        }
    }

    /// The connection asked for the next part, which is not there yet.
    pub(in crate::server) fn response_pending(&self) {
        self.activity.set_state(self.id, |state| {
            if matches!(state, RequestState::AwaitingClient(_)) {
                *state = RequestState::Processing;
            }
        });
    }

    /// Whether it came over HTTP/2.
    pub(in crate::server) fn is_http2(&self) -> bool {
        self.http2
    }

    /// The connection that the request came on.
    pub(in crate::server) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// The request among those of its connection.
    pub(in crate::server) fn number(&self) -> u64 {
        self.id
    }

    /// What the body of the request reports to.
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

/// Says whether the body of a request waits for the client. Dropping it says that nobody reads the body any more.
#[derive(Debug)]
pub(in crate::server) struct BodyProgress {
    activity: Arc<Activity>,
    id: u64,
}

impl BodyProgress {
    /// The body is read, and the client owes its next bytes. Returns whether the place of the request was given up.
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

    /// They came, or never will. Returns whether the place of the request was given up.
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

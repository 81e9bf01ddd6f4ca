//! The open requests of a connection, and whose turn it is in each.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Activity, Stage};

/// Whose turn it is in an open request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// The service works on it.
    Service,
    /// The client owes bytes of the body, which are read already.
    Body,
    /// HTTP/2 holds back a part of the answer since then: the client has no window for it.
    Answer(Instant),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) opened: Instant,
    pub(super) turn: Turn,
}

/// A request that is open.
#[derive(Debug)]
pub(in crate::server) struct OpenRequest {
    pub(super) activity: Arc<Activity>,
    pub(super) id: u64,
}

impl OpenRequest {
    /// A part of the answer was offered; the connection asks for the next one when the client has taken enough.
    pub(in crate::server) fn offered(&self) {
        let mut state = self.activity.state();
        if !state.http2 {
            return;
        }
        if let Some(request) = state.open.get_mut(&self.id) {
            request.turn = Turn::Answer(Instant::now());
        }
    }

    /// The connection asked for the next part, which is not there yet.
    pub(in crate::server) fn waits(&self) {
        self.activity.set_turn(self.id, |turn| {
            if matches!(turn, Turn::Answer(_)) {
                *turn = Turn::Service;
            }
        });
    }

    /// What the body of the request reports to.
    pub(in crate::server) fn body(&self) -> BodyTurn {
        BodyTurn {
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
pub(in crate::server) struct BodyTurn {
    activity: Arc<Activity>,
    id: u64,
}

impl BodyTurn {
    /// The body is read, and the client owes its next bytes.
    pub(in crate::server) fn waits(&self) {
        self.activity.set_turn(self.id, |turn| {
            if matches!(turn, Turn::Service) {
                *turn = Turn::Body;
            }
        });
    }

    /// They came, or never will.
    pub(in crate::server) fn came(&self) {
        self.activity.set_turn(self.id, |turn| {
            if matches!(turn, Turn::Body) {
                *turn = Turn::Service;
            }
        });
    }
}

impl Drop for BodyTurn {
    fn drop(&mut self) {
        self.came();
    }
}

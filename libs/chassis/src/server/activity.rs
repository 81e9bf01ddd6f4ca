//! State of one connection, and the deadline of each of its stages.
//!
//! A connection is in one of four stages, and every stage in which the client has to act has a deadline. The deadlines of a
//! request are elsewhere: `limits.body_timeout_seconds` for its body, `limits.request_timeout_seconds` for its response.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::Version;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::LimitsConfig;

mod eviction;
mod open;

pub(super) use eviction::EvictionRank;
pub(super) use open::{BodyProgress, OpenRequest};
use open::{Request, RequestState};

/// The reason why the service closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// No complete request head arrived in time: TLS handshake, HTTP/2 preface and head share one deadline.
    Head,
    /// No request was open for `limits.keep_alive_seconds`.
    Idle,
    /// The client read nothing of a response for `limits.write_timeout_seconds`.
    Response,
    /// Its slot was needed, and it waited for its client.
    Evicted,
}

impl CloseReason {
    /// The value of the label `reason` of `vestibule_connections_closed_total`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Response => "answer",
            Self::Evicted => "room",
        }
    }
}

/// The deadlines of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    head: Duration,
    keep_alive: Duration,
    write: Duration,
}

impl Deadlines {
    pub(super) fn of(limits: &LimitsConfig) -> Self {
        Self {
            head: Duration::from_secs(limits.header_timeout_seconds),
            keep_alive: Duration::from_secs(limits.keep_alive_seconds),
            write: Duration::from_secs(limits.write_timeout_seconds),
        }
    }

    /// The interval at which a connection without a near deadline is checked: a new deadline is noticed this late at most.
    fn tick(&self) -> Duration {
        self.head.min(self.keep_alive).min(self.write) / 2
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Accepted; no complete request head has arrived.
    Accepted(Instant),
    /// A request is open: its head has arrived, and its response is not completely written.
    Busy,
    /// No request is open.
    Idle(Instant),
    /// The head of a further request has begun to arrive. HTTP/1 only: HTTP/2 has bytes that belong to no request.
    Head(Instant),
}

#[derive(Debug)]
struct State {
    stage: Stage,
    http2: bool,
    /// The open requests, by number.
    open: HashMap<u64, Request>,
    next_request: u64,
    /// The time since which the system accepts no more bytes for the client.
    blocked: Option<Instant>,
    /// The connection was evicted: it closes, whatever the client sends meanwhile.
    is_evicted: bool,
}

impl State {
    /// The time since which an HTTP/2 client has read nothing of a response.
    fn unread_response_since(&self) -> Option<Instant> {
        let states = self.open.values().map(|request| request.state);
        states
            .filter_map(|state| match state {
                RequestState::AwaitingClient(since) => Some(since),
                RequestState::Processing | RequestState::AwaitingBody => None,
            })
            .min()
    }

    /// The eviction rank; `None` while the service works on one of its requests.
    fn eviction_rank(&self) -> Option<EvictionRank> {
        let unfinished = match self.stage {
            Stage::Idle(since) => return Some(EvictionRank::idle(since)),
            Stage::Accepted(since) | Stage::Head(since) => Some(since),
            Stage::Busy => self.waiting_since(),
        };
        unfinished.map(EvictionRank::unfinished)
    }

    /// The time since which a busy connection waits for its client, to send bodies or to read responses. A body counts from
    /// its request head, so that sending a byte now and then gains nothing.
    fn waiting_since(&self) -> Option<Instant> {
        // HTTP/1 has one request at a time.
        let stuck = self.blocked.filter(|_| !self.http2);
        let mut oldest = stuck;
        for request in self.open.values() {
            let since = match request.state {
                RequestState::Processing => stuck?,
                RequestState::AwaitingBody => request.opened,
                RequestState::AwaitingClient(since) => since,
            };
            oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
        }
        oldest
    }
}

/// The state of one connection, shared by its stream, its requests and the slots.
#[derive(Debug)]
pub(super) struct Activity {
    deadlines: Deadlines,
    /// True if the peer is a trusted proxy, which carries many clients on one connection: a client that does
    /// not read its response must not close the connection of the others.
    shared: bool,
    state: Mutex<State>,
    evicted: Notify,
}

impl Activity {
    pub(super) fn new(deadlines: Deadlines, shared: bool) -> Arc<Self> {
        let state = State {
            stage: Stage::Accepted(Instant::now()),
            http2: false,
            open: HashMap::new(),
            next_request: 0,
            blocked: None,
            is_evicted: false,
        };
        Arc::new(Self {
            deadlines,
            shared,
            state: Mutex::new(state),
            evicted: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes arrived from the client.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Idle(_)) && !state.http2 {
            state.stage = Stage::Head(Instant::now());
        }
    }

    /// The system accepted bytes for the client, or accepts no more for now.
    pub(super) fn sent(&self, progress: bool) {
        let mut state = self.state();
        match (progress, state.blocked) {
            (true, Some(_)) => state.blocked = None,
            (false, None) => state.blocked = Some(Instant::now()),
            _ => {}
        }
    }

    /// Opens a request whose head is complete, until the returned value is dropped. `None` if the connection was evicted and
    /// is about to close.
    pub(super) fn open_request(self: &Arc<Self>, version: Version) -> Option<OpenRequest> {
        let mut state = self.state();
        if state.is_evicted {
            return None;
        }
        state.stage = Stage::Busy;
        state.http2 = version == Version::HTTP_2;
        let id = state.next_request;
        state.next_request = id.wrapping_add(1);
        let request = Request {
            opened: Instant::now(),
            state: RequestState::Processing,
            evicted: false,
            reader: None,
        };
        state.open.insert(id, request);
        Some(OpenRequest {
            activity: Arc::clone(self),
            id,
            http2: version == Version::HTTP_2,
        })
    }

    /// Changes the state of a request, if it is still open.
    fn set_state(&self, id: u64, change: impl FnOnce(&mut RequestState)) {
        if let Some(request) = self.state().open.get_mut(&id) {
            change(&mut request.state);
        }
    }

    /// The server asked the connection to close, which needs the client: the client gets the deadline of one request head.
    pub(super) fn begin_close(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Idle(_)) {
            state.stage = Stage::Head(Instant::now());
        }
    }

    /// The eviction rank; `None` while the service works on one of its requests, and after an eviction.
    pub(super) fn eviction_rank(&self) -> Option<EvictionRank> {
        let state = self.state();
        state.eviction_rank().filter(|_| !state.is_evicted)
    }

    /// Evicts the connection, unless the service works on one of its requests. Returns whether it did: then the connection
    /// closes, whatever the client sends meanwhile.
    pub(super) fn evict(&self) -> bool {
        let mut state = self.state();
        if state.is_evicted || state.eviction_rank().is_none() {
            return false;
        }
        state.is_evicted = true;
        self.evicted.notify_one();
        true
    }

    /// True if the connection was evicted. Its slot is free when it has closed.
    pub(super) fn is_evicted(&self) -> bool {
        self.state().is_evicted
    }

    /// The time since which a request waits for its client; `None` while the service works on it, and if it cannot be evicted.
    pub(super) fn waiting_since(&self, request: u64) -> Option<Instant> {
        let state = self.state();
        let request = state.open.get(&request)?;
        match request.state {
            RequestState::Processing => None,
            RequestState::AwaitingBody => Some(request.opened),
            // Other clients share the connection, and one stream cannot be reset from here.
            RequestState::AwaitingClient(_) if self.shared => None,
            RequestState::AwaitingClient(since) => Some(since),
        }
    }

    /// Evicts a request that waits for its client: its body is refused, or its connection closes if the client does not read
    /// the response. Returns whether it did.
    pub(super) fn evict_request(&self, request: u64) -> bool {
        let reader = {
            let mut state = self.state();
            let Some(request) = state.open.get_mut(&request) else {
                return false;
            };
            match request.state {
                RequestState::Processing => return false,
                RequestState::AwaitingClient(_) if self.shared => return false,
                RequestState::AwaitingBody => {
                    request.evicted = true;
                    request.reader.take()
                }
                RequestState::AwaitingClient(_) => {
                    state.is_evicted = true;
                    self.evicted.notify_one();
                    None
                }
            }
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    fn next_deadline(&self) -> Option<(Instant, CloseReason)> {
        let state = self.state();
        let stage = match state.stage {
            Stage::Accepted(since) | Stage::Head(since) => {
                Some((since + self.deadlines.head, CloseReason::Head))
            }
            Stage::Idle(since) => Some((since + self.deadlines.keep_alive, CloseReason::Idle)),
            Stage::Busy => None,
        };
        let unread_response_since = state.unread_response_since().filter(|_| !self.shared);
        let stuck = state.blocked.into_iter().chain(unread_response_since).min();
        let answer = stuck.map(|since| (since + self.deadlines.write, CloseReason::Response));
        stage.into_iter().chain(answer).min_by_key(|(at, _)| *at)
    }

    /// Waits until a deadline has passed or the connection is evicted.
    pub(super) async fn expired(&self) -> CloseReason {
        loop {
            if self.is_evicted() {
                return CloseReason::Evicted;
            }
            let now = Instant::now();
            let next_deadline = self.next_deadline();
            if let Some((at, why)) = next_deadline
                && at <= now
            {
                return why;
            }
            let tick = now + self.deadlines.tick();
            let next = next_deadline.map_or(tick, |(at, _)| at.min(tick));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.evicted.notified() => {}
            }
        }
    }
}

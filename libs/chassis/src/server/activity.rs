//! The state of one connection, and the time at which it has to end.
//!
//! A connection is in one of four stages, and every stage in which the client has to do something has a deadline. The
//! deadlines of a request itself are elsewhere: `limits.body_seconds` for its body, `limits.request_seconds` for its answer.

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

/// Why the service ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// No complete request head came in time: TLS handshake, HTTP/2 preface and head share one deadline.
    Head,
    /// No request was open for `limits.keep_alive_seconds`.
    Idle,
    /// The client took nothing of an answer for `limits.write_seconds`.
    Response,
    /// Its place was needed, and it waited for its client.
    Evicted,
}

impl CloseReason {
    /// As the label `reason` of `vestibule_connections_closed_total`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Response => "answer",
            Self::Evicted => "room",
        }
    }
}

/// How long a client may take for its part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    head: Duration,
    keep_alive: Duration,
    write: Duration,
}

impl Deadlines {
    pub(super) fn of(limits: &LimitsConfig) -> Self {
        Self {
            head: Duration::from_secs(limits.header_seconds),
            keep_alive: Duration::from_secs(limits.keep_alive_seconds),
            write: Duration::from_secs(limits.write_seconds),
        }
    }

    /// How often a connection without a near deadline is looked at: a new deadline is noticed so much too late at most.
    fn tick(&self) -> Duration {
        self.head.min(self.keep_alive).min(self.write) / 2
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Accepted; no complete request head came so far.
    Accepted(Instant),
    /// A request is open: its head came, and its answer was not handed over to the end.
    Busy,
    /// No request is open.
    Idle(Instant),
    /// The head of a further request has begun to come. HTTP/1 only: HTTP/2 has bytes that belong to no request.
    Head(Instant),
}

#[derive(Debug)]
struct State {
    stage: Stage,
    http2: bool,
    /// The requests that are open, by number.
    open: HashMap<u64, Request>,
    next_request: u64,
    /// Since when the system takes no more bytes for the client.
    blocked: Option<Instant>,
    /// The place was given up: the connection ends, whatever the client sends meanwhile.
    is_evicted: bool,
}

impl State {
    /// Since when an HTTP/2 client has taken nothing of an answer.
    fn unread_response_since(&self) -> Option<Instant> {
        let states = self.open.values().map(|request| request.state);
        states
            .filter_map(|state| match state {
                RequestState::AwaitingClient(since) => Some(since),
                RequestState::Processing | RequestState::AwaitingBody => None,
            })
            .min()
    }

    /// How readily the connection can be spared; `None` while the service works on one of its requests.
    fn eviction_rank(&self) -> Option<EvictionRank> {
        let unfinished = match self.stage {
            Stage::Idle(since) => return Some(EvictionRank::idle(since)),
            Stage::Accepted(since) | Stage::Head(since) => Some(since),
            Stage::Busy => self.waiting_since(),
        };
        unfinished.map(EvictionRank::unfinished)
    }

    /// Since when a busy connection waits for its client, which owes bytes of every body or takes none of any answer. A
    /// body counts from its head on, so that a byte now and then gains nothing.
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

/// The state of one connection, shared by its stream, its requests and the table of places.
#[derive(Debug)]
pub(super) struct Activity {
    deadlines: Deadlines,
    /// A trusted proxy carries many clients on one connection: one that does not read its answer ends no other's.
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

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Idle(_)) && !state.http2 {
            state.stage = Stage::Head(Instant::now());
        }
    }

    /// The system took bytes for the client, or takes no more for now.
    pub(super) fn sent(&self, progress: bool) {
        let mut state = self.state();
        match (progress, state.blocked) {
            (true, Some(_)) => state.blocked = None,
            (false, None) => state.blocked = Some(Instant::now()),
            _ => {}
        }
    }

    /// The head of a request is complete. The request is open until the value is dropped. `None` when the connection has
    /// given its place up and is about to end.
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

    /// Changes whose turn it is in a request, if it is still open.
    fn set_state(&self, id: u64, change: impl FnOnce(&mut RequestState)) {
        if let Some(request) = self.state().open.get_mut(&id) {
            change(&mut request.state);
        }
    }

    /// The connection was told to end, which needs the client's help: it gets the time of one request head.
    pub(super) fn begin_close(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Idle(_)) {
            state.stage = Stage::Head(Instant::now());
        }
    }

    /// How readily the connection can be spared; `None` while the service works on one of its requests, and when the place
    /// was given up already.
    pub(super) fn eviction_rank(&self) -> Option<EvictionRank> {
        let state = self.state();
        state.eviction_rank().filter(|_| !state.is_evicted)
    }

    /// The place is needed. Returns whether the connection gives it up: then it ends, whatever the client sends meanwhile.
    pub(super) fn evict(&self) -> bool {
        let mut state = self.state();
        if state.is_evicted || state.eviction_rank().is_none() {
            return false;
        }
        state.is_evicted = true;
        self.evicted.notify_one();
        true
    }

    /// Whether the place was given up. It is free when the connection has ended.
    pub(super) fn is_evicted(&self) -> bool {
        self.state().is_evicted
    }

    /// Since when a request waits for its client; `None` while the service works on it, and when it cannot be given up.
    pub(super) fn waiting_since(&self, request: u64) -> Option<Instant> {
        let state = self.state();
        let request = state.open.get(&request)?;
        match request.state {
            RequestState::Processing => None,
            RequestState::AwaitingBody => Some(request.opened),
            // Others share the connection, and one stream cannot be reset from here.
            RequestState::AwaitingClient(_) if self.shared => None,
            RequestState::AwaitingClient(since) => Some(since),
        }
    }

    /// The place of a request is needed that waits for its client. Returns whether it gives it up: the body is refused, or
    /// the connection of a client ends that takes nothing of its answer.
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

    /// Waits until a deadline has passed or the place was given up.
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

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

/// Why the service ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// No complete request head came in time: TLS handshake, HTTP/2 preface and head share one deadline.
    Head,
    /// No request was open for `limits.keep_alive_seconds`.
    Idle,
    /// The client took nothing of an answer for `limits.write_seconds`.
    Answer,
    /// Its place was needed, and no request was open.
    Room,
}

impl Ended {
    /// As the label `reason` of `vestibule_connections_closed_total`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Answer => "answer",
            Self::Room => "room",
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
    New(Instant),
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
    open: usize,
    /// Since when the system takes no more bytes for the client.
    blocked: Option<Instant>,
    /// Answers with a part that the connection has not asked for since: HTTP/2 holds back what the client has no window for.
    untaken: HashMap<u64, Instant>,
    next_answer: u64,
}

/// The state of one connection, shared by its stream, its requests and the table of places.
#[derive(Debug)]
pub(super) struct Activity {
    deadlines: Deadlines,
    /// A trusted proxy carries many clients on one connection: one that does not read its answer ends no other's.
    shared: bool,
    state: Mutex<State>,
    wanted: Notify,
}

impl Activity {
    pub(super) fn new(deadlines: Deadlines, shared: bool) -> Arc<Self> {
        let state = State {
            stage: Stage::New(Instant::now()),
            http2: false,
            open: 0,
            blocked: None,
            untaken: HashMap::new(),
            next_answer: 0,
        };
        Arc::new(Self {
            deadlines,
            shared,
            state: Mutex::new(state),
            wanted: Notify::new(),
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

    /// The head of a request is complete. The request is open until the value is dropped.
    pub(super) fn open_request(self: &Arc<Self>, version: Version) -> OpenRequest {
        let mut state = self.state();
        state.stage = Stage::Busy;
        state.http2 = version == Version::HTTP_2;
        state.open += 1;
        let id = state.next_answer;
        state.next_answer = id.wrapping_add(1);
        OpenRequest {
            activity: Arc::clone(self),
            id,
        }
    }

    /// The connection was told to end, which needs the client's help: it gets the time of one request head.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Idle(_)) {
            state.stage = Stage::Head(Instant::now());
        }
    }

    /// Since when the connection holds its place without a request: first those that never had one, then the oldest.
    pub(super) fn spare(&self) -> Option<(bool, Instant)> {
        match self.state().stage {
            Stage::New(since) | Stage::Head(since) => Some((false, since)),
            Stage::Idle(since) => Some((true, since)),
            Stage::Busy => None,
        }
    }

    /// Its place is needed: it ends if no request is open.
    pub(super) fn give_up_place(&self) {
        self.wanted.notify_one();
    }

    fn due(&self) -> Option<(Instant, Ended)> {
        let state = self.state();
        let stage = match state.stage {
            Stage::New(since) | Stage::Head(since) => Some((since + self.deadlines.head, Ended::Head)),
            Stage::Idle(since) => Some((since + self.deadlines.keep_alive, Ended::Idle)),
            Stage::Busy => None,
        };
        let untaken = state.untaken.values().min().filter(|_| !self.shared);
        let stuck = state.blocked.iter().chain(untaken).min();
        let answer = stuck.map(|since| (*since + self.deadlines.write, Ended::Answer));
        stage.into_iter().chain(answer).min_by_key(|(at, _)| *at)
    }

    /// Waits until a deadline has passed or the place is needed.
    pub(super) async fn expired(&self) -> Ended {
        loop {
            let now = Instant::now();
            let due = self.due();
            if let Some((at, why)) = due
                && at <= now
            {
                return why;
            }
            let tick = now + self.deadlines.tick();
            let next = due.map_or(tick, |(at, _)| at.min(tick));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.wanted.notified() => {
                    if self.spare().is_some() {
                        return Ended::Room;
                    }
                }
            }
        }
    }
}

/// A request that is open.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    id: u64,
}

impl OpenRequest {
    /// A part of the answer was offered; the connection asks for the next one when the client has taken enough.
    pub(super) fn offered(&self) {
        let mut state = self.activity.state();
        if state.http2 {
            state.untaken.insert(self.id, Instant::now());
        }
    }

    /// The connection asked for the next part, which is not there yet.
    pub(super) fn waits(&self) {
        let mut state = self.activity.state();
        if state.http2 {
            state.untaken.remove(&self.id);
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.untaken.remove(&self.id);
        state.open = state.open.saturating_sub(1);
        if state.open == 0 {
            state.stage = Stage::Idle(Instant::now());
        }
    }
}

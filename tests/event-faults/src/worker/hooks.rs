//! The crash points of a worker. All are outside of the code that ships.

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use chassis::db::Tx;
use contract::Envelope;
use events::transport::{PublishError, Transport};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::control::Control;
use crate::history::{HistoryEntry, HistoryWriter};

/// A point at which a worker can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPoint {
    /// Committed, and not yet published.
    BeforePublish,
    /// Published, and not yet marked as published.
    AfterPublish,
    /// Applied and committed, and not yet acknowledged to the broker.
    AfterCommit,
}

impl CrashPoint {
    /// As in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforePublish => "before_publish",
            Self::AfterPublish => "after_publish",
            Self::AfterCommit => "after_commit",
        }
    }
}

impl FromStr for CrashPoint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        [Self::BeforePublish, Self::AfterPublish, Self::AfterCommit]
            .into_iter()
            .find(|point| point.name() == text)
            .ok_or_else(|| anyhow::anyhow!("there is no point called {text}"))
    }
}

/// Sends SIGKILL to this process.
fn crash(history: &HistoryWriter, point: CrashPoint) {
    let _ = history.record(&HistoryEntry::Died {
        point: point.name().to_owned(),
    });
    let _ = kill_process(getpid(), Signal::KILL);
}

/// A transport with a crash point before and after it.
#[derive(Debug)]
pub(super) struct CrashingTransport<T> {
    pub(super) inner: T,
    pub(super) control: Control,
    pub(super) history: HistoryWriter,
}

impl<T: Transport> Transport for CrashingTransport<T> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn destination(&self) -> String {
        self.inner.destination()
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        if self.control.is_armed(CrashPoint::BeforePublish) {
            crash(&self.history, CrashPoint::BeforePublish);
        }
        let results = self.inner.publish(events).await;
        let count = results.iter().filter(|result| result.is_ok()).count();
        if count > 0 {
            let _ = self.history.record(&HistoryEntry::Sent { count: count as u64 });
            if self.control.is_armed(CrashPoint::AfterPublish) {
                crash(&self.history, CrashPoint::AfterPublish);
            }
        }
        results
    }
}

/// A waker that crashes the process.
struct CrashWaker(HistoryWriter);

impl Wake for CrashWaker {
    fn wake(self: Arc<Self>) {
        crash(&self.0, CrashPoint::AfterCommit);
    }
}

/// Makes the process crash at the end of `tx.commit()`: the database has committed, and the caller has no result yet.
pub(super) fn crash_after_commit(tx: &mut Tx, history: &HistoryWriter) {
    let commit = Arc::new(Notify::new());
    let waker = Waker::from(Arc::new(CrashWaker(history.clone())));
    // The commit wakes the waiting task, in its own thread: the waker is the trap, and nothing ever polls again.
    let waiting: &'static mut _ = Box::leak(Box::new(Arc::clone(&commit).notified_owned()));
    let _ = Pin::static_mut(waiting).poll(&mut Context::from_waker(&waker));
    tx.wake_on_commit(&commit);
}

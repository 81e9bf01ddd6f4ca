//! The health of receivers, as this replica has seen it. It is kept in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::clock::Timestamp;
use uuid::Uuid;

/// After so many attempts in a row without an answer in time, a receiver is left alone for a while.
pub(super) const PATIENCE: u32 = 8;

/// The longest that a replica leaves a webhook alone by itself.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(60);

/// The state of each webhook's receiver, as far as this replica knows it. Those of which nothing is known are
/// not in it.
#[derive(Debug, Default)]
pub(super) struct Health {
    known: Mutex<HashMap<Uuid, ReceiverState>>,
}

#[derive(Debug, Default)]
struct ReceiverState {
    /// Attempts in a row without an answer in time.
    unanswered: u32,
    /// Until when this replica sends nothing; others may.
    rests_until: Option<Timestamp>,
}

impl Health {
    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, ReceiverState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The receiver answered, whatever it said, or refused to be called.
    pub(super) fn answered(&self, webhook: Uuid) {
        self.known().remove(&webhook);
    }

    /// The receiver did not answer in time. Answers whether that was once too often; counting then begins anew.
    pub(super) fn unanswered(&self, webhook: Uuid) -> bool {
        let mut all = self.known();
        let known = all.entry(webhook).or_default();
        known.unanswered += 1;
        let enough = known.unanswered >= PATIENCE;
        if enough {
            known.unanswered = 0;
        }
        enough
    }

    /// This replica cannot send to the webhook: it looks again at `until`.
    pub(super) fn pause(&self, webhook: Uuid, until: Timestamp) {
        self.known().entry(webhook).or_default().rests_until = Some(until);
    }

    /// True if this replica leaves the webhook alone at `now`.
    pub(super) fn rests(&self, webhook: Uuid, now: Timestamp) -> bool {
        self.known()
            .get(&webhook)
            .and_then(|known| known.rests_until)
            .is_some_and(|until| !until.left(now, LONGEST_REST).is_zero())
    }
}

//! The health of targets, as this replica has seen it. It is kept in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use uuid::Uuid;

/// After so many calls in a row without an answer in time, a target is left alone for a while.
const PATIENCE: u32 = 4;

/// The targets of which something is known.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<Uuid, TargetHealth>>);

#[derive(Debug, Default)]
struct TargetHealth {
    /// Calls in a row without an answer in time.
    late: u32,
    /// Until when this replica pushes nothing; others may.
    rests_until: Option<Instant>,
}

impl Health {
    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, TargetHealth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The target answered, whatever it said.
    pub(crate) fn answered(&self, target: Uuid) {
        self.all().remove(&target);
    }

    /// The target did not answer in time. Returns true if that was once too often; counting then begins anew.
    pub(crate) fn is_silent(&self, target: Uuid) -> bool {
        let mut all = self.all();
        let health = all.entry(target).or_default();
        health.late += 1;
        let silent = health.late >= PATIENCE;
        if silent {
            health.late = 0;
        }
        silent
    }

    /// This replica cannot push to the target until then.
    pub(crate) fn rest(&self, target: Uuid, until: Instant) {
        self.all().entry(target).or_default().rests_until = Some(until);
    }

    /// True if this replica leaves the target alone.
    pub(crate) fn rests(&self, target: Uuid) -> bool {
        let until = self.all().get(&target).and_then(|health| health.rests_until);
        until.is_some_and(|until| until > Instant::now())
    }
}

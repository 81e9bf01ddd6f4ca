//! Known positions in the list of everybody, so that a client that pages by index does not go through all who come before.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::Timestamp;
use contract::UserId;

/// The offset below which everybody before is passed over: few, and exactly as many as there are now.
const EXACT: i64 = 1_000;

/// The time for which a position is used. Deletions before it make it a little wrong, as they do for the client's own index.
const LIFETIME: Duration = Duration::from_secs(600);

/// Positions at most.
const MOST: usize = 10_000;

/// The user before an offset, and when that was so.
#[derive(Debug, Default)]
pub(in crate::users) struct KnownOffsets(Mutex<BTreeMap<i64, (UserId, Timestamp)>>);

impl KnownOffsets {
    /// The nearest known offset that is not after `offset`, with the last user before it.
    pub(super) fn nearest(&self, offset: i64, now: Timestamp) -> (i64, UserId) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = known.range(..=offset).rev();
        let fresh = before.find(|(_, (_, since))| now.distance(*since) <= LIFETIME);
        fresh.map_or((0, UserId::nil()), |(offset, (user, _))| (*offset, *user))
    }

    /// Remembers the last user before an offset.
    pub(super) fn remember(&self, offset: i64, user: UserId, now: Timestamp) {
        if offset < EXACT {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, since)| now.distance(*since) <= LIFETIME / 2);
        }
        if known.len() < MOST {
            known.insert(offset, (user, now));
        }
    }
}

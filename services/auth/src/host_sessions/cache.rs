//! An in-memory cache of the people who are signed in at protected hosts, because a page of an application makes many requests at once.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::secret::TokenHash;
use forward_auth::Origin;

use super::HostUser;

/// The time for which an entry is valid. A sign-out, a suspension or the loss of a group is seen after that, within the five seconds
/// of SB-47 together with the way of its event.
const MAX_AGE: Duration = Duration::from_secs(2);
/// The number of entries at most. A full cache is emptied.
const MAX_ENTRIES: usize = 10_000;

/// The cache. It is cheap to clone, and the clones share one cache.
#[derive(Clone, Debug, Default)]
pub(super) struct UserCache(Arc<RwLock<HashMap<TokenHash, Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    origin: Origin,
    user: HostUser,
    read_at: Timestamp,
}

impl UserCache {
    pub(super) fn get(&self, token: &TokenHash, origin: &Origin, now: Timestamp) -> Option<HostUser> {
        let entries = self.0.read().ok()?;
        let entry = entries.get(token)?;
        let is_fresh = now.since(entry.read_at) < MAX_AGE && entry.read_at <= now;
        (is_fresh && entry.origin == *origin).then(|| entry.user.clone())
    }

    pub(super) fn put(&self, token: TokenHash, origin: Origin, user: HostUser, read_at: Timestamp) {
        if let Ok(mut entries) = self.0.write() {
            if entries.len() >= MAX_ENTRIES {
                entries.clear();
            }
            let entry = Entry {
                origin,
                user,
                read_at,
            };
            entries.insert(token, entry);
        }
    }

    pub(super) fn remove(&self, token: &TokenHash) {
        if let Ok(mut entries) = self.0.write() {
            entries.remove(token);
        }
    }
}

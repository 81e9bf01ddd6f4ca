//! An in-memory cache of protected hosts, so that a request to one reads no database for its rules.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chassis::clock::Timestamp;
use forward_auth::Origin;

use super::ProtectedHost;

/// The time for which an entry is valid. A change by another replica is seen after that.
const MAX_AGE: Duration = Duration::from_secs(2);

/// The cache. It is cheap to clone, and the clones share one cache. It has registered hosts only, so that it is bounded.
#[derive(Clone, Debug, Default)]
pub(super) struct HostCache(Arc<RwLock<HashMap<Origin, Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    host: Arc<ProtectedHost>,
    read_at: Timestamp,
}

impl HostCache {
    pub(super) fn get(&self, origin: &Origin, now: Timestamp) -> Option<Arc<ProtectedHost>> {
        let entries = self.0.read().ok()?;
        let entry = entries.get(origin)?;
        (now.since(entry.read_at) < MAX_AGE && entry.read_at <= now).then(|| Arc::clone(&entry.host))
    }

    pub(super) fn put(&self, host: Arc<ProtectedHost>, read_at: Timestamp) {
        if let Ok(mut entries) = self.0.write() {
            entries.insert(host.origin.clone(), Entry { host, read_at });
        }
    }

    pub(super) fn remove(&self, origin: &Origin) {
        if let Ok(mut entries) = self.0.write() {
            entries.remove(origin);
        }
    }
}

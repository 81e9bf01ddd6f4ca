//! An in-memory cache of clients, so that a token request reads no database for its client.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chassis::clock::Timestamp;

use super::model::Client;

/// The time for which an entry is valid. A change by another replica is seen after that.
pub(super) const MAX_AGE: Duration = Duration::from_secs(3);
/// The number of entries at most. A full cache is emptied.
const MAX_ENTRIES: usize = 10_000;

/// The cache of clients. It is cheap to clone, and the clones share one cache.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientCache(Arc<RwLock<HashMap<String, Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    client: Arc<Client>,
    read_at: Timestamp,
}

impl ClientCache {
    pub(super) fn get(&self, id: &str, now: Timestamp) -> Option<Arc<Client>> {
        let entries = self.0.read().ok()?;
        let entry = entries.get(id)?;
        (now.since(entry.read_at) < MAX_AGE && entry.read_at <= now).then(|| Arc::clone(&entry.client))
    }

    pub(super) fn put(&self, client: Arc<Client>, read_at: Timestamp) {
        if let Ok(mut entries) = self.0.write() {
            if entries.len() >= MAX_ENTRIES {
                entries.clear();
            }
            entries.insert(client.id.as_str().to_owned(), Entry { client, read_at });
        }
    }

    pub(super) fn remove(&self, id: &str) {
        if let Ok(mut entries) = self.0.write() {
            entries.remove(id);
        }
    }
}

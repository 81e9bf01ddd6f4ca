//! Cache of verified access tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::AccessToken;
use crate::clock::Timestamp;
use crate::secret::TokenHash;

const SHARDS: usize = 16;

/// A bounded map from the hash of a token to its claims, until the token expires. Two generations approximate least
/// recently used: when the young one is full, it replaces the old one; an entry of the old one that is used moves back.
#[derive(Debug)]
pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    generation_size: usize,
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<TokenHash, Entry>,
    old: HashMap<TokenHash, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    token: Arc<AccessToken>,
    until: Timestamp,
    generation: u64,
}

impl Cache {
    /// A cache of about `capacity` tokens.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            generation_size: (capacity / SHARDS / 2).max(1),
        }
    }

    /// The claims, if they were cached under this generation of keys and have not expired.
    pub(super) fn get(&self, hash: &TokenHash, now: Timestamp, generation: u64) -> Option<Arc<AccessToken>> {
        let mut shard = self.shard(hash)?.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |entry: &Entry| entry.until > now && entry.generation == generation;
        if let Some(entry) = shard.young.get(hash) {
            return good(entry).then(|| Arc::clone(&entry.token));
        }
        let entry = shard.old.remove(hash).filter(good)?;
        let token = Arc::clone(&entry.token);
        shard.insert(hash.clone(), entry, self.generation_size);
        Some(token)
    }

    pub(super) fn put(&self, hash: TokenHash, token: Arc<AccessToken>, until: Timestamp, generation: u64) {
        if let Some(shard) = self.shard(&hash) {
            let entry = Entry {
                token,
                until,
                generation,
            };
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.insert(hash, entry, self.generation_size);
        }
    }

    fn shard(&self, hash: &TokenHash) -> Option<&Mutex<Shard>> {
        let first = hash.as_bytes().first().copied().unwrap_or_default();
        self.shards.get(usize::from(first) % SHARDS)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(count).sum()
    }
}

impl Shard {
    fn insert(&mut self, hash: TokenHash, entry: Entry, generation_size: usize) {
        if self.young.len() >= generation_size {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
    }
}

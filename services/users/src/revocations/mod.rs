//! The revocation list of `auth`: revoked grants and deleted clients, and how fresh the list is (SB-47). See
//! `docs/decisions/0023-revocation-list.md`.
//!
//! Every replica asks `auth` once a second, whatever carries the events, and keeps the list in memory; the table holds
//! it for a start during which `auth` is away.

mod follower;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use chassis::access::AccessToken;
use chassis::clock::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use follower::{Follower, FollowerParts};

/// The greatest age of the newest answer of `auth` at which a privileged scope is honoured.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// The time for which a request waits for `auth` to be heard: at a start, or after a stumble, the next answer
/// is on its way.
const PATIENCE: Duration = Duration::from_secs(2);

/// The deny-list. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Revocations(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    list: RwLock<List>,
    heard: Notify,
    patience: Duration,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

#[derive(Debug, Default)]
struct List {
    grants: HashMap<Uuid, Instant>,
    clients: HashMap<String, DeletedClient>,
    /// The list holds everything that was revoked before this moment.
    complete_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct DeletedClient {
    deleted_at: Timestamp,
    forget_at: Instant,
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Revoked {
    /// A grant: the `gid` of its tokens.
    Grant(Uuid),
    /// A client; tokens that it got until then are void.
    Client(String, Timestamp),
}

impl Revocations {
    /// An empty list; a request waits for at most `patience` until it is fresh.
    pub(crate) fn with_patience(patience: Duration) -> Self {
        Self(Arc::new(Inner {
            list: RwLock::default(),
            heard: Notify::new(),
            patience,
        }))
    }

    fn read(&self) -> RwLockReadGuard<'_, List> {
        self.0.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, List> {
        self.0.list.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if `token` was revoked, or is void by one of its clients, as far as is known.
    pub(crate) fn contains(&self, token: &AccessToken) -> bool {
        let list = self.read();
        let grant = token.grant.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        grant.is_some_and(|grant| list.grants.contains_key(&grant))
            || token.clients().any(|id| {
                let client = list.clients.get(id);
                client.is_some_and(|client| token.issued_at <= client.deleted_at)
            })
    }

    /// True if `auth` was heard recently enough to honour privileged scopes.
    fn is_fresh(&self) -> bool {
        self.age().is_some_and(|age| age <= FRESH_FOR)
    }

    /// True if `auth` was heard recently enough to honour privileged scopes, or is within a moment.
    pub(crate) async fn becomes_fresh(&self) -> bool {
        let deadline = Instant::now() + self.0.patience;
        loop {
            let mut heard = pin!(self.0.heard.notified());
            heard.as_mut().enable();
            if self.is_fresh() {
                return true;
            }
            if tokio::time::timeout_at(deadline, heard).await.is_err() {
                return false;
            }
        }
    }

    /// The age of the list; `None` before the first answer.
    fn age(&self) -> Option<Duration> {
        self.read().complete_at.map(|at| at.elapsed())
    }

    /// Adds entries to be kept for `keep`; answers those that are new. Of a client's deletions the latest counts.
    fn add(&self, entries: Vec<Revoked>, keep: Duration) -> Vec<Revoked> {
        let forget_at = Instant::now() + keep;
        let mut list = self.write();
        entries
            .into_iter()
            .filter(|entry| match entry {
                Revoked::Grant(id) => list.grants.insert(*id, forget_at).is_none(),
                Revoked::Client(id, deleted_at) => {
                    let known = list.clients.get(id).map(|known| known.deleted_at);
                    let client = DeletedClient {
                        deleted_at: known.map_or(*deleted_at, |known| known.max(*deleted_at)),
                        forget_at,
                    };
                    list.clients.insert(id.clone(), client);
                    known.is_none_or(|known| known < *deleted_at)
                }
            })
            .collect()
    }

    /// Notes that the list holds everything that was revoked before `at`, and forgets what is over.
    pub(crate) fn complete(&self, at: Instant) {
        let now = Instant::now();
        let mut list = self.write();
        list.grants.retain(|_, forget_at| *forget_at > now);
        list.clients.retain(|_, client| client.forget_at > now);
        list.complete_at = Some(at);
        drop(list);
        self.0.heard.notify_waiters();
    }
}

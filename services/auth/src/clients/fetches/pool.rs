//! The documents of clients whose addresses one party chose, and the limits of their fetches.

use std::collections::HashMap;
use std::time::Duration;

use chassis::clock::Timestamp;
use oidc::client::WebUri;
use tokio::sync::watch;

use super::counters::{Counters, is_younger};
use super::{FetchError, Outcome};

/// The limits of a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub(in crate::clients) struct Limits {
    /// The most documents in memory.
    pub(in crate::clients) documents: usize,
    /// The time for which a document is used while its address does not answer.
    pub(in crate::clients) usable: Duration,
    /// The shortest time between two fetches of one document.
    pub(in crate::clients) pause: Duration,
    /// The most fetches at a time.
    pub(in crate::clients) at_a_time: usize,
    /// The most fetches at a time for one client. A slow server of one client does not hold up the others.
    pub(in crate::clients) of_client: usize,
    /// The most fetches at a time that one source causes. It cannot take all those of a client.
    pub(in crate::clients) of_source: usize,
    /// The most fetches in a window that one source causes.
    pub(in crate::clients) of_source_in_window: u32,
    /// The most fetches in a window of one host.
    pub(in crate::clients) of_host_in_window: u32,
}

/// The document of one client at one URL. A client cannot see what another one fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) client_id: String,
    pub(super) url: WebUri,
}

/// The outcome of a fetch that is under way.
pub(super) type Pending<T> = watch::Receiver<Option<Outcome<T>>>;

/// A document as a request finds it.
pub(super) enum Found<T> {
    /// It is known.
    Known(T),
    /// It is being fetched for another request. An older one is to be used if that fails.
    Shared(Pending<T>, Option<T>),
    /// It is to be fetched by the caller, who reports the outcome to the pool and to the sender.
    New(watch::Sender<Option<Outcome<T>>>, Option<T>),
}

/// The documents, and what is counted for their limits.
pub(super) struct Pool<T> {
    limits: Limits,
    documents: HashMap<Key, Document<T>>,
    under_way: Vec<UnderWay>,
    sources: Counters,
    hosts: Counters,
}

/// A fetch that may not have ended.
struct UnderWay {
    key: Key,
    /// The source that caused it, if sources are counted.
    source: Option<String>,
}

struct Document<T> {
    /// The last one that was fetched, and the begin of its fetch.
    value: Option<(T, Timestamp)>,
    /// The begin of the last fetch.
    began_at: Timestamp,
    /// The reason why the last fetch failed.
    error: Option<FetchError>,
    used_at: Timestamp,
    pending: Option<Pending<T>>,
}

impl<T: Clone> Document<T> {
    fn value_younger(&self, than: Duration, now: Timestamp) -> Option<T> {
        let value = self.value.as_ref();
        value
            .filter(|(_, at)| is_younger(than, *at, now))
            .map(|(value, _)| value.clone())
    }

    /// The fetch that is under way. The sender of a task that ended without an outcome is gone.
    fn pending(&self) -> Option<&Pending<T>> {
        self.pending
            .as_ref()
            .filter(|pending| pending.has_changed().is_ok())
    }

    /// True while its address must not be called again.
    fn is_paused(&self, pause: Duration, now: Timestamp) -> bool {
        self.pending().is_some() || is_younger(pause, self.began_at, now)
    }
}

impl<T: Clone> Pool<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            documents: HashMap::new(),
            under_way: Vec::new(),
            sources: Counters::default(),
            hosts: Counters::default(),
        }
    }

    /// The document of `key`, which may be as old as `fresh`, for a caller of the network `source`.
    ///
    /// # Errors
    /// [`FetchError::Busy`], or the reason why a fetch has just failed.
    pub(super) fn find(
        &mut self,
        key: &Key,
        fresh: Duration,
        source: Option<&str>,
        now: Timestamp,
    ) -> Outcome<Found<T>> {
        let mut usable = None;
        if let Some(document) = self.documents.get_mut(key) {
            document.used_at = now;
            if let Some(value) = document.value_younger(fresh, now) {
                return Ok(Found::Known(value));
            }
            usable = document.value_younger(self.limits.usable, now);
            if let Some(pending) = document.pending() {
                return Ok(Found::Shared(pending.clone(), usable));
            }
            if document.is_paused(self.limits.pause, now) {
                let error = document.error.clone().unwrap_or(FetchError::Recent);
                return usable.map(Found::Known).ok_or(error);
            }
        }
        // What is not fetched takes the place of nothing, and the next request may try.
        if !self.admits(key, source, now) || !self.has_place(key, now) {
            return usable.map(Found::Known).ok_or(FetchError::Busy);
        }
        let (sender, pending) = watch::channel(None);
        let document = self.documents.entry(key.clone()).or_insert(Document {
            value: None,
            began_at: now,
            error: None,
            used_at: now,
            pending: None,
        });
        document.began_at = now;
        document.error = None;
        document.pending = Some(pending);
        self.under_way.push(UnderWay {
            key: key.clone(),
            source: source.map(str::to_owned),
        });
        Ok(Found::New(sender, usable))
    }

    /// Stores the outcome of the fetch of `key` that began at `began_at`.
    pub(super) fn finish(&mut self, key: &Key, began_at: Timestamp, outcome: &Outcome<T>) {
        if let Some(document) = self.documents.get_mut(key) {
            document.pending = None;
            match outcome {
                Ok(value) => document.value = Some((value.clone(), began_at)),
                Err(error) => document.error = Some(error.clone()),
            }
        }
    }

    /// True if the document of `key` has a place. A full pool loses those that are of no use any more, or else the one that was not
    /// used for the longest time, of those whose address may be called again.
    fn has_place(&mut self, key: &Key, now: Timestamp) -> bool {
        let Limits { usable, pause, .. } = self.limits;
        if self.documents.len() < self.limits.documents || self.documents.contains_key(key) {
            return true;
        }
        self.documents.retain(|_, document| {
            document.is_paused(pause, now) || document.value_younger(usable, now).is_some()
        });
        if self.documents.len() < self.limits.documents {
            return true;
        }
        let unpaused = self.documents.iter();
        let oldest = unpaused
            .filter(|(_, document)| !document.is_paused(pause, now))
            .min_by_key(|(_, document)| document.used_at)
            .map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.documents.remove(&key).is_some())
    }

    /// Counts one fetch. Returns false if a limit is reached.
    fn admits(&mut self, key: &Key, source: Option<&str>, now: Timestamp) -> bool {
        let limits = self.limits;
        self.under_way.retain(|fetch| {
            let document = self.documents.get(&fetch.key);
            document.is_some_and(|document| document.pending().is_some())
        });
        let count = |is_counted: &dyn Fn(&UnderWay) -> bool| {
            self.under_way.iter().filter(|fetch| is_counted(fetch)).count()
        };
        let of_client = count(&|fetch| fetch.key.client_id == key.client_id);
        let of_source = count(&|fetch| source.is_some() && fetch.source.as_deref() == source);
        let host = key.url.as_url().host_str().unwrap_or_default();
        self.under_way.len() < limits.at_a_time
            && of_client < limits.of_client
            && of_source < limits.of_source
            && source.is_none_or(|source| self.sources.claim(source, limits.of_source_in_window, now))
            && (limits.of_host_in_window == u32::MAX || self.hosts.claim(host, limits.of_host_in_window, now))
    }
}

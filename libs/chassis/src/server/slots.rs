//! Slots of a port: limits on connections in total and per source.
//!
//! A connection that waits for its client is evicted for a new one when slots run out, of its own source
//! first. The same holds for a request over HTTP/2 or through a trusted proxy. So neither silent connections
//! nor unfinished requests shut other clients out, not even those that share their address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::activity::{Activity, OpenRequest};
use crate::http::SourceBytes;

/// The fraction of a full port's connections that is evicted at once, because a scan of all of them costs
/// time.
const EVICTED_PART: usize = 64;
/// The maximum number of counted requests of all sources, per connection of the limit.
const REQUESTS_PER_CONNECTION: usize = 2;
/// The interval of eviction attempts while a connection waits for a slot.
const EVICTION_INTERVAL: Duration = Duration::from_millis(100);
/// The interval of the log line about a source that has used up its slots.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// A source: an IPv4 address, or an IPv6 /64 network, which is what one customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    V4(Ipv4Addr),
    V6(u64),
}

impl Source {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(u64::try_from(u128::from(ip) >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// The slots and bytes that one source uses.
#[derive(Debug, Default)]
struct SourceUsage {
    connections: Vec<Arc<Activity>>,
    /// Open requests that no connection of the source counts for: through a trusted proxy, or over HTTP/2. Each has its
    /// connection and its number there.
    requests: HashMap<u64, (Arc<Activity>, u64)>,
    body_bytes: SourceBytes,
}

impl SourceUsage {
    /// Evicts the request that has waited for its client for longest. Returns whether there was one.
    fn evict_request(&mut self) -> bool {
        let waiting = self.requests.iter().filter_map(|(key, (activity, number))| {
            let since = activity.waiting_since(*number)?;
            Some((since, *key))
        });
        let oldest = waiting.min().map(|(_, key)| key);
        let evicted = oldest.and_then(|key| {
            let (activity, number) = self.requests.get(&key)?;
            activity.evict_request(*number).then_some(key)
        });
        evicted.is_some_and(|key| self.requests.remove(&key).is_some())
    }

    fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.requests.is_empty()
    }
}

/// The slots of one port.
#[derive(Debug)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    total: usize,
    per_source: usize,
    sources: Mutex<HashMap<Source, SourceUsage>>,
    /// Counted requests of all sources; changed under the lock of `sources`.
    requests: AtomicUsize,
    next_request: AtomicU64,
    warned_at: Mutex<Option<Instant>>,
}

impl Slots {
    pub(super) fn new(total: usize, per_source: usize) -> Arc<Self> {
        let total = total.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            free: Arc::new(Semaphore::new(total)),
            total,
            per_source: per_source.max(1),
            sources: Mutex::default(),
            requests: AtomicUsize::new(0),
            next_request: AtomicU64::new(0),
            warned_at: Mutex::default(),
        })
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<Source, SourceUsage>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of slots in use.
    pub(super) fn in_use(&self) -> usize {
        self.total.saturating_sub(self.free.available_permits())
    }

    /// Acquires a slot for a connection from `ip`; an `exempt` one counts for no source. Waits while the service works on a
    /// request of every connection. `None` if the source has used up its slots and the service works on a request of each.
    pub(super) async fn admit(
        self: &Arc<Self>,
        ip: IpAddr,
        exempt: bool,
        activity: &Arc<Activity>,
    ) -> Option<ConnectionSlot> {
        let source = Source::of(ip);
        if !exempt && !self.register_connection(source, activity) {
            self.warn_once_a_minute(ip, "connections");
            return None;
        }
        // From here on, dropping the slot removes the connection from the table.
        let mut slot = ConnectionSlot {
            slots: Arc::clone(self),
            source: (!exempt).then_some(source),
            activity: Arc::clone(activity),
            permit: None,
        };
        slot.permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => self.wait_for_permit(activity).await,
        };
        Some(slot)
    }

    /// Waits for a permit, and repeats the eviction: a connection that was busy may be idle a moment later, and would keep its
    /// slot for the whole keep-alive time.
    async fn wait_for_permit(&self, activity: &Arc<Activity>) -> Option<OwnedSemaphorePermit> {
        loop {
            self.evict_connections(activity);
            let permit = Arc::clone(&self.free).acquire_owned();
            if let Ok(permit) = tokio::time::timeout(EVICTION_INTERVAL, permit).await {
                return permit.ok();
            }
        }
    }

    /// Counts a connection for its source. If the source has used up its slots, its lowest-ranked connection is evicted.
    fn register_connection(&self, source: Source, activity: &Arc<Activity>) -> bool {
        let mut sources = self.sources();
        let usage = sources.entry(source).or_default();
        // Evicted ones are about to close. They stay in the table until they have.
        let slots = usage.connections.iter().filter(|other| !other.is_evicted());
        if slots.count() >= self.per_source && evict_first(&usage.connections, 1) == 0 {
            return false;
        }
        usage.connections.push(Arc::clone(activity));
        true
    }

    /// Evicts the lowest-ranked connections; those of trusted proxies are not in the table.
    fn evict_connections(&self, newcomer: &Arc<Activity>) {
        let sources = self.sources();
        let connections = sources.values().flat_map(|usage| &usage.connections);
        let others = connections.filter(|connection| !Arc::ptr_eq(connection, newcomer));
        evict_first(others, (self.total / EVICTED_PART).max(1));
    }

    /// Counts a request for its client. If the client, or all sources together, have used up their slots, a request that waits
    /// for its client is evicted. `None` if the service works on every one.
    pub(super) fn admit_request(self: &Arc<Self>, ip: IpAddr, open: &OpenRequest) -> Option<RequestSlot> {
        let source = Source::of(ip);
        let mut sources = self.sources();
        let of_source = sources.get(&source).map_or(0, |usage| usage.requests.len());
        let full =
            self.requests.load(Ordering::Relaxed) >= self.total.saturating_mul(REQUESTS_PER_CONNECTION);
        let crowded = match (of_source >= self.per_source, full) {
            (true, _) => sources.get_mut(&source),
            (false, true) => sources.values_mut().max_by_key(|usage| usage.requests.len()),
            (false, false) => None,
        };
        let has_room = match crowded {
            Some(usage) => usage
                .evict_request()
                .then(|| self.requests.fetch_sub(1, Ordering::Relaxed))
                .is_some(),
            None => !full,
        };
        if !has_room {
            drop(sources);
            self.warn_once_a_minute(ip, "requests");
            return None;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let key = self.next_request.fetch_add(1, Ordering::Relaxed);
        let usage = sources.entry(source).or_default();
        usage
            .requests
            .insert(key, (Arc::clone(open.activity()), open.number()));
        Some(RequestSlot {
            body_bytes: Arc::clone(&usage.body_bytes),
            slots: Arc::clone(self),
            source,
            key,
        })
    }

    /// The body bytes that the source of a connection holds; `None` for a connection that counts for no source.
    pub(super) fn body_bytes(&self, ip: IpAddr) -> Option<SourceBytes> {
        let sources = self.sources();
        sources
            .get(&Source::of(ip))
            .map(|usage| Arc::clone(&usage.body_bytes))
    }

    fn warn_once_a_minute(&self, ip: IpAddr, what: &'static str) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if warned_at.is_some_and(|last| now < last + WARN_EVERY) {
            return;
        }
        *warned_at = Some(now);
        tracing::warn!(
            client.ip = %ip,
            "refused {what} from {ip}, which has {} of them already; if this is a proxy, name it in listen.trusted_proxies",
            self.per_source,
        );
    }

    fn release(&self, source: Source, change: impl FnOnce(&mut SourceUsage)) {
        if let Entry::Occupied(mut entry) = self.sources().entry(source) {
            change(entry.get_mut());
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }
}

/// Evicts `count` of the connections, the lowest-ranked first. Returns how many were evicted.
fn evict_first<'a>(connections: impl IntoIterator<Item = &'a Arc<Activity>>, count: usize) -> usize {
    let connections = connections.into_iter();
    let mut ranked: Vec<_> = connections
        .filter_map(|connection| Some((connection.eviction_rank()?, connection)))
        .collect();
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    // One that has become busy meanwhile keeps its slot.
    let evicted = ranked.iter().filter(|(_, connection)| connection.evict());
    evicted.take(count).count()
}

/// The slot of a connection, on its port and among the connections of its source. It is released when it is dropped, after
/// the connection has closed.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    slots: Arc<Slots>,
    /// `None` for a trusted proxy, which counts for no source.
    source: Option<Source>,
    activity: Arc<Activity>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        if let Some(source) = self.source {
            let connection = &self.activity;
            self.slots.release(source, |usage| {
                usage.connections.retain(|other| !Arc::ptr_eq(other, connection));
            });
        }
    }
}

/// The slot of a request among those of its client. It is released when it is dropped.
#[derive(Debug)]
pub(super) struct RequestSlot {
    slots: Arc<Slots>,
    source: Source,
    key: u64,
    /// The body bytes that this client holds.
    pub(super) body_bytes: SourceBytes,
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        self.slots.release(self.source, |usage| {
            // Unless it was evicted before.
            if usage.requests.remove(&self.key).is_some() {
                self.slots.requests.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
}

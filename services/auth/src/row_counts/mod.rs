//! Limits on the number of rows that strangers cause, by counts that are up to a second old.
//!
//! A count costs as much as there are rows, which is most while somebody floods the table. So a replica counts the same rows once a
//! second at most, and counts in memory what it adds meanwhile (SB-43). The limits protect the disk: replicas that add rows at the same
//! time may exceed them by what they add within a second, and a place that becomes free is given away up to a second later.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::DbError;

use crate::throttle::Key;

/// The time for which a count is used.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(1);

/// The most counts of sources in memory, and of clients. Others are counted each time.
const MAX_COUNTS: usize = 10_000;

/// The number of locks for the first counts of clients.
const CLIENT_LOCKS: usize = 16;

/// The number of rows from which a source is a busy one.
const SMALL_SOURCE: i64 = 16;

/// The limits on the number of rows. Each table says which rows it counts, those that were used among them or not. The last quarter of each but the first is kept for clients with a secret and for sources with
/// fewer than [`SMALL_SOURCE`] rows, so that a few sources cannot take all places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLimits {
    /// Rows of one source.
    pub(crate) per_source: i64,
    /// Rows of one client.
    pub(crate) per_client: i64,
    /// Rows in total.
    pub(crate) total: i64,
}

/// Rows that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Those of one source.
    OfSource(Key),
    /// Those of one client.
    OfClient(String),
    /// All of them.
    All,
}

/// A table whose rows are limited.
pub(crate) trait CountRows: Sync {
    /// The number of rows in the database.
    fn count(&self, rows: &Rows) -> impl Future<Output = Result<i64, DbError>> + Send;
}

/// A count, with what was added since.
#[derive(Debug)]
struct RecentCount {
    rows: i64,
    added: i64,
    counted_at: Timestamp,
}

impl RecentCount {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.counted_at.distance(now) < MAX_AGE
    }
}

/// Counts of one kind, of bounded number.
#[derive(Debug)]
struct CountsByKey<K> {
    recent: HashMap<K, RecentCount>,
    pruned_at: Timestamp,
}

impl<K: Eq + Hash> CountsByKey<K> {
    fn new(now: Timestamp) -> Self {
        Self {
            recent: HashMap::new(),
            pruned_at: now,
        }
    }

    /// Remembers a count, unless there is no place even after old ones are forgotten.
    fn insert(&mut self, key: K, count: RecentCount) {
        let now = count.counted_at;
        if self.recent.len() >= MAX_COUNTS && self.pruned_at.distance(now) >= MAX_AGE {
            self.pruned_at = now;
            self.recent.retain(|_, count| count.is_fresh(now));
        }
        if self.recent.len() < MAX_COUNTS {
            self.recent.insert(key, count);
        }
    }
}

/// The counts of a table. However many sources come, those of clients and of all keep their places: they are the dear ones.
#[derive(Debug)]
struct Counts {
    of_sources: CountsByKey<Key>,
    of_clients: CountsByKey<String>,
    all: Option<RecentCount>,
}

impl Counts {
    fn get_mut(&mut self, rows: &Rows) -> Option<&mut RecentCount> {
        match rows {
            Rows::OfSource(key) => self.of_sources.recent.get_mut(key),
            Rows::OfClient(id) => self.of_clients.recent.get_mut(id),
            Rows::All => self.all.as_mut(),
        }
    }

    fn insert(&mut self, rows: &Rows, count: RecentCount) {
        match rows {
            Rows::OfSource(key) => self.of_sources.insert(key.clone(), count),
            Rows::OfClient(id) => self.of_clients.insert(id.clone(), count),
            Rows::All => self.all = Some(count),
        }
    }
}

/// A recount that goes on. If it is dropped before it is done, because the caller hangs up or the database fails, the old count is
/// as old as it was, and the next caller counts.
struct Recount<'a> {
    counts: &'a RowCounts,
    rows: &'a Rows,
    was_counted_at: Option<Timestamp>,
}

impl Recount<'_> {
    /// Ends it with the number that was counted at `now`.
    fn finish(mut self, counted: i64, now: Timestamp) {
        let mut counts = self.counts.lock();
        match (counts.get_mut(self.rows), self.was_counted_at.take()) {
            (Some(recent), Some(_)) => recent.rows = counted + recent.added,
            // Another request has counted them meanwhile, and claimed places.
            (Some(_), None) => {}
            (None, _) => counts.insert(
                self.rows,
                RecentCount {
                    rows: counted,
                    added: 0,
                    counted_at: now,
                },
            ),
        }
    }
}

impl Drop for Recount<'_> {
    fn drop(&mut self) {
        if let Some(at) = self.was_counted_at
            && let Some(recent) = self.counts.lock().get_mut(self.rows)
        {
            recent.counted_at = at;
        }
    }
}

/// The counts of one table.
#[derive(Clone)]
pub(crate) struct RowCounts {
    clock: SharedClock,
    counts: Arc<Mutex<Counts>>,
    first_counts: Arc<FirstCounts>,
}

/// The locks of first counts that are dear. Each is held by the one that counts, so that others who need the same count wait for it.
#[derive(Default)]
struct FirstCounts {
    all: tokio::sync::Mutex<()>,
    /// The id of a client says which is its lock, so that it seldom waits for the count of another client.
    of_clients: [tokio::sync::Mutex<()>; CLIENT_LOCKS],
}

impl FirstCounts {
    /// The lock of a first count. The rows of a source are few, so that everybody counts them.
    fn of(&self, rows: &Rows) -> Option<&tokio::sync::Mutex<()>> {
        match rows {
            Rows::OfSource(_) => None,
            Rows::OfClient(id) => {
                let sum: usize = id.bytes().map(usize::from).sum();
                self.of_clients.get(sum % CLIENT_LOCKS)
            }
            Rows::All => Some(&self.all),
        }
    }
}

impl RowCounts {
    /// No count yet.
    pub(crate) fn new(clock: SharedClock) -> Self {
        let now = clock.now();
        let counts = Counts {
            of_sources: CountsByKey::new(now),
            of_clients: CountsByKey::new(now),
            all: None,
        };
        Self {
            clock,
            counts: Arc::new(Mutex::new(counts)),
            first_counts: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a place for one more row of a source and of a client, as far as it has them. Returns false when no place is left. A place
    /// that is not used after all is free again with the next count.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn claim(
        &self,
        table: &impl CountRows,
        (source, client): (Option<&Key>, Option<&str>),
        limits: RowLimits,
    ) -> Result<bool, DbError> {
        let source = source.map(|key| Rows::OfSource(key.clone()));
        let client = client.map(|id| Rows::OfClient(id.to_owned()));
        let mut rows = [source, client, Some(Rows::All)].map(|rows| rows.map(|rows| (rows, 0)));
        for (rows, counted) in rows.iter_mut().flatten() {
            *counted = self.count(table, rows).await?;
        }
        let mut counts = self.lock();
        // Others may have claimed places since.
        let mut newest =
            |(rows, counted): &(Rows, i64)| counts.get_mut(rows).map_or(*counted, |recent| recent.rows);
        let [of_source, of_client, all] = rows.each_ref().map(|rows| rows.as_ref().map_or(0, &mut newest));
        let usable = |limit: i64| match of_source < SMALL_SOURCE {
            true => limit,
            false => limit - limit / 4,
        };
        let is_full = of_client >= usable(limits.per_client) || all >= usable(limits.total);
        if of_source >= limits.per_source || is_full {
            return Ok(false);
        }
        for (rows, _) in rows.iter().flatten() {
            if let Some(recent) = counts.get_mut(rows) {
                recent.rows += 1;
                recent.added += 1;
            }
        }
        Ok(true)
    }

    /// The number of rows. Of those who find an old count, one counts anew, and the others use the old one. Of those who find none, one
    /// counts and the others wait for it, except for the rows of a source, which are few.
    async fn count(&self, table: &impl CountRows, rows: &Rows) -> Result<i64, DbError> {
        let was_counted_at = match self.look_up(rows) {
            Ok(count) => return Ok(count),
            Err(was_counted_at) => was_counted_at,
        };
        let first = self.first_counts.of(rows).filter(|_| was_counted_at.is_none());
        let Some(first) = first else {
            return self.recount(table, rows, was_counted_at).await;
        };
        let _counting = first.lock().await;
        match self.look_up(rows) {
            Ok(count) => Ok(count),
            Err(was_counted_at) => self.recount(table, rows, was_counted_at).await,
        }
    }

    /// A count that may be used. The error is the time of an old one, if there is one, which others use while the caller counts anew.
    fn look_up(&self, rows: &Rows) -> Result<i64, Option<Timestamp>> {
        let now = self.clock.now();
        match self.lock().get_mut(rows) {
            Some(recent) if recent.is_fresh(now) => Ok(recent.rows),
            Some(recent) => {
                recent.added = 0;
                Err(Some(std::mem::replace(&mut recent.counted_at, now)))
            }
            None => Err(None),
        }
    }

    async fn recount(
        &self,
        table: &impl CountRows,
        rows: &Rows,
        was_counted_at: Option<Timestamp>,
    ) -> Result<i64, DbError> {
        let now = self.clock.now();
        let recount = Recount {
            counts: self,
            rows,
            was_counted_at,
        };
        let counted = table.count(rows).await?;
        recount.finish(counted, now);
        Ok(counted)
    }
}

//! Leases: the assignment of partitions to the replicas that publish them.
//!
//! No clock is compared with another's: a holder shows that it is alive by raising a counter in its rows, and loses a
//! partition when another replica has seen the counter stand still for the length of a lease, by its own stopwatch. A
//! wall clock that jumps changes nothing. A replica that takes a partition raises its fence; the transaction that publishes
//! compares it, so taking a partition from a replica that is alive after all costs nothing but a batch.

use std::collections::HashMap;
use std::time::Duration;

use chassis::db::{Db, DbError, Engine};
use tokio::time::Instant;
use uuid::Uuid;

use super::store::leases::{self as store, Lease};
use crate::outbox::PARTITIONS;

/// The last change of a lease that was seen: its mark, and the time.
#[derive(Clone, Copy, Debug)]
struct Seen {
    mark: (i64, i64),
    at: Instant,
}

/// The leases as this replica knows them.
#[derive(Debug)]
pub(super) struct Leases {
    me: Uuid,
    lease: Duration,
    /// A SQLite file belongs to one process: a new one takes everything at once (if the old one still lives, the
    /// fence stops it), and nothing need be renewed, so an idle service writes nothing.
    sole: bool,
    fences: HashMap<i32, i64>,
    leases: HashMap<i32, Seen>,
    replicas: HashMap<Uuid, Seen>,
    started: bool,
    due: Instant,
}

/// The changes to make: leases to take, partitions to give back, and replicas that are gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) take: Vec<Lease>,
    pub(super) give: Vec<i32>,
    pub(super) gone: Vec<Uuid>,
}

impl Leases {
    pub(super) fn new(me: Uuid, engine: Engine, lease: Duration) -> Self {
        Self {
            me,
            lease,
            sole: engine == Engine::Sqlite,
            fences: HashMap::new(),
            leases: HashMap::new(),
            replicas: HashMap::new(),
            started: false,
            due: Instant::now(),
        }
    }

    pub(super) fn me(&self) -> Uuid {
        self.me
    }

    /// The number of partitions that this replica holds.
    pub(super) fn count(&self) -> usize {
        self.fences.len()
    }

    /// The time of the next maintenance.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// True if no other replica seems alive.
    pub(super) fn alone(&self) -> bool {
        self.sole || self.living(Instant::now()) == 1
    }

    /// The partitions held, as a JSON array.
    pub(super) fn as_json(&self) -> String {
        serde_json::Value::from(self.fences.keys().copied().collect::<Vec<_>>()).to_string()
    }

    /// True if `held`, read under lock, says that `partition` is this replica's by the fence that it knows.
    pub(super) fn confirms(&self, partition: i32, held: &[(i32, i64)]) -> bool {
        self.fences
            .get(&partition)
            .is_some_and(|fence| held.contains(&(partition, *fence)))
    }

    /// Partitions have become free: the next [`Leases::keep`] is due now.
    pub(super) fn mark_due(&mut self) {
        self.due = Instant::now();
    }

    /// Forgets what was held: another replica took some of it. The next [`Leases::keep`] reads the truth.
    pub(super) fn forget(&mut self) {
        self.fences.clear();
        self.due = Instant::now();
    }

    /// Shows that this replica is alive, and takes or gives partitions, if it is time. Answers whether it was
    /// time.
    pub(super) async fn maintain(&mut self, db: &Db) -> Result<bool, DbError> {
        if Instant::now() < self.due {
            return Ok(false);
        }
        let (leases, replicas) = if self.sole {
            (store::leases(&mut db.reader().await?).await?, vec![(self.me, 0)])
        } else {
            store::beat(db, self.me).await?
        };
        let now = Instant::now();
        self.observe(&leases, &replicas, now);
        let plan = self.plan(&leases, now);
        for (partition, fence) in store::carry_out(db, self.me, &plan).await? {
            self.fences.insert(partition, fence);
        }
        // Only now: a file that could not be written to would otherwise stay the predecessor's for ever.
        self.started = true;
        for partition in plan.give {
            self.fences.remove(&partition);
        }
        self.due = now + self.lease / 3;
        Ok(true)
    }

    /// Shows that this replica is alive and changes nothing else. If the database fails, what becomes of the leases is
    /// seen at the next [`Leases::keep`].
    pub(super) async fn renew(&mut self, db: &Db) {
        self.due = Instant::now() + self.lease / 3;
        if !self.sole
            && let Err(error) = store::beat(db, self.me).await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "outbox leases not renewed"
            );
        }
    }

    /// Gives everything back, at shutdown, so that others go on at once.
    pub(super) async fn hand_back(&mut self, db: &Db) -> Result<(), DbError> {
        self.fences.clear();
        store::leave(db, self.me).await
    }

    /// Notes what changed since the last look.
    pub(super) fn observe(&mut self, leases: &[Lease], replicas: &[(Uuid, i64)], now: Instant) {
        fn note<K: std::hash::Hash + Eq>(
            seen: &mut HashMap<K, Seen>,
            key: K,
            mark: (i64, i64),
            now: Instant,
        ) {
            let entry = seen.entry(key).or_insert(Seen { mark, at: now });
            if entry.mark != mark {
                *entry = Seen { mark, at: now };
            }
        }
        self.fences = leases
            .iter()
            .filter(|lease| lease.holder == Some(self.me))
            .map(|lease| (lease.partition, lease.fence))
            .collect();
        for lease in leases {
            note(
                &mut self.leases,
                lease.partition,
                (lease.fence, lease.renewals),
                now,
            );
        }
        self.replicas
            .retain(|id, _| replicas.iter().any(|(known, _)| known == id));
        for (id, beats) in replicas {
            note(&mut self.replicas, *id, (*beats, 0), now);
        }
    }

    fn living(&self, now: Instant) -> usize {
        let others = self
            .replicas
            .iter()
            .filter(|(id, seen)| **id != self.me && now - seen.at < self.lease);
        others.count() + 1
    }

    /// Decides, from what was observed: everyone alive has an equal share, rounded up.
    pub(super) fn plan(&self, leases: &[Lease], now: Instant) -> Plan {
        let share = (PARTITIONS.unsigned_abs() as usize).div_ceil(self.living(now));
        let free = |lease: &&Lease| match lease.holder {
            None => true,
            Some(holder) if holder == self.me => false,
            Some(_) if self.sole => !self.started,
            Some(_) => self
                .leases
                .get(&lease.partition)
                .is_some_and(|seen| now - seen.at >= self.lease),
        };
        let mut give: Vec<i32> = self.fences.keys().copied().collect();
        give.sort_unstable();
        Plan {
            take: leases
                .iter()
                .filter(free)
                .take(share.saturating_sub(self.fences.len()))
                .cloned()
                .collect(),
            give: give.split_off(share.min(give.len())),
            gone: self
                .replicas
                .iter()
                .filter(|(id, seen)| **id != self.me && now - seen.at >= self.lease * 10)
                .map(|(id, _)| *id)
                .collect(),
        }
    }
}

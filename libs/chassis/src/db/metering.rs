//! What the pools tell Prometheus. Handles are looked up once: a connection is taken for every request.

use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Histogram, gauge, histogram};

use super::{Db, DbError};
use crate::telemetry::catalogue::{METRICS, begin};

/// One kind of pool.
pub(super) struct Pool {
    name: &'static str,
    waits: OnceLock<Histogram>,
}

pub(super) static READ: Pool = Pool::new("read");
pub(super) static WRITE: Pool = Pool::new("write");
pub(super) static ALL: Pool = Pool::new("all");

impl Pool {
    const fn new(name: &'static str) -> Self {
        let waits = OnceLock::new();
        Self { name, waits }
    }

    /// Measures how long a connection is waited for.
    pub(super) async fn waited<T>(
        &self,
        acquire: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, DbError> {
        let began = Instant::now();
        let acquired = acquire.await;
        let waits = || histogram!("vestibule_db_wait_seconds", "pool" => self.name);
        self.waits
            .get_or_init(waits)
            .record(began.elapsed().as_secs_f64());
        if matches!(acquired, Err(sqlx::Error::PoolTimedOut)) {
            metrics::counter!("vestibule_db_timeouts_total", "pool" => self.name).increment(1);
        }
        Ok(acquired?)
    }

    fn tell(&self, open: usize, idle: usize, limit: usize) {
        let used = open.saturating_sub(idle);
        gauge!("vestibule_db_connections", "pool" => self.name, "state" => "idle").set(idle as f64);
        gauge!("vestibule_db_connections", "pool" => self.name, "state" => "used").set(used as f64);
        gauge!("vestibule_db_connections_limit", "pool" => self.name).set(limit as f64);
    }
}

impl Db {
    /// Begins to count for the pools of this database, and tells of them before each scrape from now on.
    pub fn tell_before_scrapes(&self) {
        match self {
            Self::Sqlite { .. } => {
                begin(METRICS, "pool", READ.name);
                begin(METRICS, "pool", WRITE.name);
            }
            Self::Postgres(_) => begin(METRICS, "pool", ALL.name),
        }
        let db = self.clone();
        crate::telemetry::before_scrape(move || db.tell());
    }

    fn tell(&self) {
        match self {
            Self::Sqlite { read, write } => {
                let (open, idle, limit) = read.counts();
                READ.tell(open, idle, limit);
                WRITE.tell(write.size() as usize, write.num_idle(), 1);
            }
            Self::Postgres(server) => {
                let pool = server.pool();
                let limit = pool.options().get_max_connections() as usize;
                ALL.tell(pool.size() as usize, pool.num_idle(), limit);
            }
        }
    }
}

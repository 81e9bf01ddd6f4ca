//! Prometheus metrics of the connection pools. Handles are looked up once, because every request takes a connection.

use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Histogram, gauge, histogram};

use super::{Db, DbError};
use crate::telemetry::catalogue::{METRICS, init_series};

/// The metrics of one kind of pool.
pub(super) struct PoolMetrics {
    name: &'static str,
    wait_seconds: OnceLock<Histogram>,
}

pub(super) static READ: PoolMetrics = PoolMetrics::new("read");
pub(super) static WRITE: PoolMetrics = PoolMetrics::new("write");
pub(super) static ALL: PoolMetrics = PoolMetrics::new("all");

impl PoolMetrics {
    const fn new(name: &'static str) -> Self {
        let wait_seconds = OnceLock::new();
        Self { name, wait_seconds }
    }

    /// Records how long it takes to acquire a connection.
    pub(super) async fn time_acquire<T>(
        &self,
        acquire: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, DbError> {
        let began = Instant::now();
        let acquired = acquire.await;
        let wait_seconds = || histogram!("vestibule_db_wait_seconds", "pool" => self.name);
        self.wait_seconds
            .get_or_init(wait_seconds)
            .record(began.elapsed().as_secs_f64());
        if matches!(acquired, Err(sqlx::Error::PoolTimedOut)) {
            metrics::counter!("vestibule_db_timeouts_total", "pool" => self.name).increment(1);
        }
        Ok(acquired?)
    }

    fn record_metrics(&self, open: usize, idle: usize, limit: usize) {
        let used = open.saturating_sub(idle);
        gauge!("vestibule_db_connections", "pool" => self.name, "state" => "idle").set(idle as f64);
        gauge!("vestibule_db_connections", "pool" => self.name, "state" => "used").set(used as f64);
        gauge!("vestibule_db_connections_limit", "pool" => self.name).set(limit as f64);
    }
}

impl Db {
    /// Creates the series of this database's pools, and records their gauges before each scrape.
    pub fn record_metrics_before_scrape(&self) {
        match self {
            Self::Sqlite { .. } => {
                init_series(METRICS, "pool", READ.name);
                init_series(METRICS, "pool", WRITE.name);
            }
            Self::Postgres(_) => init_series(METRICS, "pool", ALL.name),
        }
        let db = self.clone();
        crate::telemetry::before_scrape(move || db.record_metrics());
    }

    fn record_metrics(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                let (open, idle, limit) = read.counts();
                READ.record_metrics(open, idle, limit);
                WRITE.record_metrics(write.size() as usize, write.num_idle(), 1);
            }
            Self::Postgres(server) => {
                let pool = server.pool();
                let limit = pool.options().get_max_connections() as usize;
                ALL.record_metrics(pool.size() as usize, pool.num_idle(), limit);
            }
        }
    }
}

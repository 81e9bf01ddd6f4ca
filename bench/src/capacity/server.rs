//! The resource usage of PostgreSQL: CPU of all its processes, bytes of its log, transactions.

use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};
use testkit::{Stack, within};

use crate::process::{family_cpu_time, parent};

/// Rows that a table must have for its size to say something of one of them.
const ROWS: i64 = 1_000;

/// A connection to each database, and the server's first process.
pub(super) struct Server {
    databases: [(&'static str, PgConnection); 2],
    postmaster: u32,
}

/// Counters since the start, or of one act.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerUsage {
    pub(super) cpu: Duration,
    pub(super) log_bytes: f64,
    pub(super) transactions: f64,
}

impl ServerUsage {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            log_bytes: (self.log_bytes - before.log_bytes).max(0.0),
            transactions: (self.transactions - before.transactions).max(0.0),
        }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            cpu: self.cpu.mul_f64(factor),
            log_bytes: self.log_bytes * factor,
            transactions: self.transactions * factor,
        }
    }
}

impl Server {
    pub(super) async fn of(stack: &Stack) -> Result<Self> {
        let [auth, users] = stack.database_urls();
        let mut auth = PgConnection::connect(&auth).await?;
        let users = PgConnection::connect(&users).await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut auth)
            .await?;
        let postmaster =
            parent(backend.unsigned_abs()).context("the PostgreSQL server has to run on this machine")?;
        Ok(Self {
            databases: [("auth", auth), ("users", users)],
            postmaster,
        })
    }

    pub(super) async fn usage(&mut self) -> Result<ServerUsage> {
        let mut transactions = 0.0;
        for (_, database) in &mut self.databases {
            // Each backend tells its numbers once a second at most, so the last of them may be missing.
            let number: f64 = sqlx::query_scalar(
                "SELECT (xact_commit + xact_rollback)::float8 FROM pg_stat_database WHERE datname = current_database()",
            )
            .fetch_one(database)
            .await?;
            transactions += number;
        }
        let [(_, auth), _] = &mut self.databases;
        let log_bytes: f64 = sqlx::query_scalar("SELECT (pg_current_wal_lsn() - '0/0')::float8")
            .fetch_one(auth)
            .await?;
        Ok(ServerUsage {
            cpu: family_cpu_time(self.postmaster)?,
            log_bytes,
            transactions,
        })
    }

    /// Waits until every event is published and applied, so that an act is charged with all that it causes.
    pub(super) async fn settle(&mut self, stack: &Stack) -> Result<()> {
        for (name, database) in &mut self.databases {
            let mut failed = None;
            within(Duration::from_secs(120), "all events are published", async || {
                let unsent: Result<i64, _> = sqlx::query_scalar(
                    "SELECT count(*) FROM outbox WHERE published_at IS NULL AND dead_lettered_at IS NULL",
                )
                .fetch_one(&mut *database)
                .await;
                match unsent {
                    Ok(unsent) => (unsent == 0).then_some(()),
                    Err(error) => {
                        failed = Some(error);
                        Some(())
                    }
                }
            })
            .await;
            failed.map_or(Ok(()), Err).context(*name)?;
        }
        let lag = |text: String| {
            text.lines()
                .filter(|line| line.starts_with("vestibule_consumer_lag"))
                .all(|line| line.ends_with(" 0"))
        };
        within(Duration::from_secs(120), "all events are applied", async || {
            for url in [
                stack.auth_management_url("/metrics"),
                stack.users_management_url("/metrics"),
            ] {
                let text = stack.http().get(url).send().await.ok()?.text().await.ok()?;
                if !lag(text) {
                    return None;
                }
            }
            Some(())
        })
        .await;
        Ok(())
    }

    /// Database, table and bytes of each table with enough rows.
    pub(super) async fn bytes_per_row(mut self) -> Result<Vec<(&'static str, String, i64)>> {
        let mut found = Vec::new();
        for (name, database) in &mut self.databases {
            sqlx::query("VACUUM ANALYZE").execute(&mut *database).await?;
            let tables: Vec<(String, i64)> = sqlx::query_as(
                "SELECT relname::text, (pg_total_relation_size(oid) / reltuples)::bigint FROM pg_class
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= $1
                 ORDER BY relname",
            )
            .bind(ROWS)
            .fetch_all(&mut *database)
            .await?;
            found.extend(tables.into_iter().map(|(table, bytes)| (*name, table, bytes)));
        }
        Ok(found)
    }
}

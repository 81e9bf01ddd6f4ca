//! Rounds in which visitors repeat one operation for some time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use super::Times;
use super::operation::Operation;
use super::provider::{Cpu, Provider};
use super::visitor::Visitor;
use crate::load::percentile;
use crate::process::parent;

/// The variable with the URL of the PostgreSQL server, as in the tests.
pub(super) const POSTGRES: &str = "VESTIBULE_TEST_POSTGRES";

/// The figures of one operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) cpu: Cpu,
    pub(super) per_second: f64,
    pub(super) p99: Duration,
}

/// Measures an operation, after a time in which caches and compilers warm up.
pub(super) async fn measure(provider: &mut Provider, operation: Operation, times: Times) -> Result<Measured> {
    let why = || operation.name().to_owned();
    let mut visitors = Vec::new();
    for number in 0..operation.connections() {
        let mut visitor = Visitor::open(&provider.facts, number).await?;
        visitor.prepare(operation).await.with_context(why)?;
        visitors.push(visitor);
    }
    let most = match operation {
        Operation::PushedRequest => times.stored,
        _ => usize::MAX,
    };
    let (visitors, _) = round(visitors, operation, times.warm_up, most / 2)
        .await
        .with_context(why)?;
    let (before, began) = (provider.cpu()?, Instant::now());
    let (_, mut latencies) = round(visitors, operation, times.measured, most)
        .await
        .with_context(why)?;
    let took = began.elapsed();
    let cpu = provider.cpu()?.since(before).each(latencies.len());
    latencies.sort_unstable();
    Ok(Measured {
        cpu,
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        p99: percentile(&latencies, 99),
    })
}

/// Has each visitor repeat the operation until `limit` has passed, or all together have done it `most` times.
async fn round(
    visitors: Vec<Visitor>,
    operation: Operation,
    limit: Duration,
    most: usize,
) -> Result<(Vec<Visitor>, Vec<Duration>)> {
    let (end, done) = (Instant::now() + limit, Arc::new(AtomicUsize::new(0)));
    let mut workers: JoinSet<Result<_>> = JoinSet::new();
    for mut visitor in visitors {
        let done = Arc::clone(&done);
        workers.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end && done.fetch_add(1, Ordering::Relaxed) < most {
                let start = Instant::now();
                visitor.once(operation).await?;
                latencies.push(start.elapsed());
            }
            Ok((visitor, latencies))
        });
    }
    let (mut visitors, mut latencies) = (Vec::new(), Vec::new());
    while let Some(worker) = workers.join_next().await {
        let (visitor, found) = worker??;
        visitors.push(visitor);
        latencies.extend(found);
    }
    Ok((visitors, latencies))
}

/// The first process of the PostgreSQL server of the tests, which has to run on this machine.
pub(super) async fn postmaster() -> Result<u32> {
    let url = std::env::var(POSTGRES).context(POSTGRES)?;
    let mut connection = PgConnection::connect(&url).await?;
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await?;
    parent(backend.unsigned_abs()).context("the PostgreSQL server has to run on this machine")
}

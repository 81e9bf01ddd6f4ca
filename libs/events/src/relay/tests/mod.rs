mod failures;

mod order;
mod plan;
mod replicas;

use std::time::Duration;

use chassis::db::Db;
use chassis::on_engine;
use chassis::shutdown::{Phase, Shutdown};
use uuid::Uuid;

use super::*;
use crate::outbox::Outbox;

/// Quick leases and attempts, so that a test need not wait.
fn quick() -> RelayOptions {
    RelayOptions {
        batch: 50,
        poll: Duration::from_millis(50),
        lease: Duration::from_millis(600),
        patience: Duration::ZERO,
        max_attempts: 3,
        first_backoff: Duration::from_millis(20),
        longest_backoff: Duration::from_millis(50),
    }
}

/// A relay at work.
struct Running(Shutdown);

impl Running {
    fn start<T: Transport>(db: &Db, outbox: &Outbox, transport: T, options: RelayOptions) -> Self {
        let shutdown = Shutdown::new();
        let relay = Relay::new(db.clone(), outbox.clone(), transport, options);
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        Self(shutdown)
    }

    async fn stop(self) {
        self.0.finish(Duration::from_secs(20)).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.advance(Phase::Stopping);
    }
}

/// Everything published, in the order of the positions, read from the table behind the feed's back.
async fn published(db: &Db) -> Vec<(i64, Uuid, i64)> {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(
            "SELECT position, aggregate_id, sequence FROM outbox WHERE position IS NOT NULL ORDER BY position")
        .fetch_all(c)
        .await
        .unwrap())
}

async fn holders(db: &Db) -> Vec<Option<Uuid>> {
    let mut reader = db.reader().await.unwrap();
    let leases = store::leases::leases(&mut reader).await.unwrap();
    leases.into_iter().map(|lease| lease.holder).collect()
}

async fn all_published(db: &Db, count: usize) -> Vec<(i64, Uuid, i64)> {
    testkit::eventually("everything is published", async || {
        let rows = published(db).await;
        (rows.len() >= count).then_some(rows)
    })
    .await
}

//! Tests of the plan that divides partitions among replicas.

use chassis::db::Engine;
use tokio::time::Instant;

use super::*;
use crate::relay::leases::{Leases, Plan};
use crate::relay::store::leases::Lease;
use crate::testing::new_id;

const LEASE: Duration = Duration::from_secs(3);

fn rows(holder: impl Fn(i32) -> Option<Uuid>, renewals: i64) -> Vec<Lease> {
    (0..16)
        .map(|partition| Lease {
            partition,
            holder: holder(partition),
            fence: 1,
            renewals,
        })
        .collect()
}

fn taken(leases: &Leases, rows: &[Lease], now: Instant) -> Vec<i32> {
    leases
        .plan(rows, now)
        .take
        .iter()
        .map(|lease| lease.partition)
        .collect()
}

#[test]
fn a_lease_moves_only_when_its_holder_stands_still_for_its_whole_length() {
    let (me, other, start) = (new_id(), new_id(), Instant::now());
    let mut leases = Leases::new(me, Engine::Postgres, LEASE);
    leases.observe(&rows(|_| Some(other), 1), &[(me, 1), (other, 1)], start);
    assert!(
        taken(&leases, &rows(|_| Some(other), 1), start).is_empty(),
        "who is first seen may be alive"
    );
    // It renews: the stopwatch begins again.
    leases.observe(
        &rows(|_| Some(other), 2),
        &[(me, 2), (other, 2)],
        start + LEASE / 2,
    );
    let early = start + LEASE;
    leases.observe(&rows(|_| Some(other), 2), &[(me, 3), (other, 2)], early);
    assert!(taken(&leases, &rows(|_| Some(other), 2), early).is_empty());
    let late = start + LEASE / 2 + LEASE;
    leases.observe(&rows(|_| Some(other), 2), &[(me, 4), (other, 2)], late);
    assert_eq!(taken(&leases, &rows(|_| Some(other), 2), late).len(), 16);
}

#[test]
fn who_has_more_than_a_share_gives_the_rest_back() {
    let (me, other, start) = (new_id(), new_id(), Instant::now());
    let mut leases = Leases::new(me, Engine::Postgres, LEASE);
    let mine = rows(|_| Some(me), 1);
    leases.observe(&mine, &[(me, 1)], start);
    assert_eq!(leases.plan(&mine, start), Plan::default());
    leases.observe(&mine, &[(me, 2), (other, 1)], start);
    assert_eq!(leases.plan(&mine, start).give, (8..16).collect::<Vec<_>>());
    // One that was not heard of for long is buried, and its share is taken.
    let later = start + LEASE * 10;
    leases.observe(&mine, &[(me, 3), (other, 1)], later);
    assert_eq!(leases.plan(&mine, later).gone, [other]);
    assert!(leases.plan(&mine, later).give.is_empty());
}

#[test]
fn the_one_process_of_a_sqlite_file_takes_over_at_once_and_later_only_what_is_free() {
    let (me, dead, start) = (new_id(), new_id(), Instant::now());
    let leases = Leases::new(me, Engine::Sqlite, LEASE);
    assert_eq!(taken(&leases, &rows(|_| Some(dead), 1), start).len(), 16);
    assert!(leases.alone());
}

#[test]
fn a_file_that_cannot_be_written_at_first_is_taken_over_afterwards() {
    testkit::block_on(async {
        let db = testkit::sqlite(&[&crate::MIGRATIONS]).await;
        let chassis::db::Db::Sqlite { write, .. } = &*db else {
            unreachable!()
        };
        let predecessor = new_id();
        sqlx::query("UPDATE outbox_leases SET holder = $1")
            .bind(predecessor)
            .execute(write)
            .await
            .unwrap();
        sqlx::query(
            "CREATE TRIGGER full BEFORE UPDATE ON outbox_leases BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .execute(write)
        .await
        .unwrap();
        let mut leases = Leases::new(new_id(), Engine::Sqlite, LEASE);
        leases.maintain(&db).await.unwrap_err();
        sqlx::query("DROP TRIGGER full").execute(write).await.unwrap();
        leases.maintain(&db).await.unwrap();
        assert_eq!(leases.count(), 16);
    });
}

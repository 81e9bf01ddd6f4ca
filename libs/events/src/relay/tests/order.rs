//! Nothing lost, nothing made up, in order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chassis::db::Engine;
use tokio::sync::Mutex;

use super::*;
use crate::feed::{Feed, FeedTransport};
use crate::testing::{NoSnapshot, THINGS, change, changed, new_id, outbox};

const THINGS_WRITTEN_TO: usize = 12;
const WRITERS: usize = 6;
const CHANGES: usize = 40;

/// Reads the feed as a follower does, and insists that positions come without a gap.
async fn follow(db: &Db, outbox: &Outbox, until: usize) -> Vec<(Uuid, i64)> {
    let feed = Feed::new(db.clone(), outbox.clone(), Arc::new(NoSnapshot), Shutdown::new());
    let mut seen = Vec::new();
    let started = std::time::Instant::now();
    while seen.len() < until {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{} of {until} came",
            seen.len()
        );
        let after = i64::try_from(seen.len()).unwrap();
        for event in feed.read(after, 7, Duration::from_millis(50)).await.unwrap() {
            assert_eq!(
                event.position,
                Some(i64::try_from(seen.len()).unwrap() + 1),
                "a row was stepped over"
            );
            seen.push((event.subject, event.sequence));
        }
    }
    seen
}

/// One writer: transactions with one to three changes, held open while others commit, a third of them rolled back.
async fn write(
    db: Db,
    outbox: Outbox,
    things: Arc<Vec<Uuid>>,
    seed: usize,
    committed: Arc<Mutex<Vec<(Uuid, i64)>>>,
) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    for round in 0..CHANGES {
        let mix = seed * 7919 + round * 104_729;
        let mut tx = db.begin("test").await.unwrap();
        // In the order of the ids: two writers never wait for each other.
        let mut ours: Vec<Uuid> = (0..=mix % 3)
            .map(|k| things[(mix / 3 + k * 5) % things.len()])
            .collect();
        ours.sort_unstable();
        ours.dedup();
        let mut written = Vec::new();
        for id in ours {
            written.push((id, change(&mut tx, &outbox, id).await));
        }
        // Commits overtake each other.
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        for _ in 0..(turn % 5) * 20 {
            tokio::task::yield_now().await;
        }
        if mix.is_multiple_of(3) {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            committed.lock().await.extend(written);
        }
    }
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn what_writers_commit_is_published_once_and_in_order_and_what_they_roll_back_never(db: TestDb) {
        let things: Arc<Vec<Uuid>> = Arc::new((0..THINGS_WRITTEN_TO).map(|_| new_id()).collect());
        let committed = Arc::new(Mutex::new(Vec::new()));
        // Three replicas publish at once where an engine allows it.
        let replicas = if db.engine() == Engine::Postgres { 3 } else { 1 };
        let mut running = Vec::new();
        let writers = Shutdown::new();
        let mut outboxes = Vec::new();
        for _ in 0..replicas {
            let (replica, outbox) = (db.another().await, outbox());
            running.push(Running::start(&replica, &outbox, FeedTransport, quick()));
            outboxes.push((replica, outbox));
        }
        for seed in 0..WRITERS {
            let (replica, outbox) = outboxes[seed % replicas].clone();
            let (things, committed) = (Arc::clone(&things), Arc::clone(&committed));
            writers.spawn("writer", write(replica, outbox, things, seed, committed));
        }
        let (replica, outbox) = outboxes[0].clone();
        let (total, done) = tokio::sync::watch::channel(None::<usize>);
        let follower = async {
            // A follower that starts at once, and reads while rows are still being written.
            let mut done = done;
            let early = follow(&replica, &outbox, 60).await;
            let all = done.wait_for(Option::is_some).await.unwrap().unwrap();
            let seen = follow(&replica, &outbox, all).await;
            assert_eq!(seen[..early.len()], early, "what was read once reads the same again");
            seen
        };
        let finish = async {
            writers.finish(Duration::from_secs(60)).await.unwrap();
            total.send(Some(committed.lock().await.len())).unwrap();
        };
        let (seen, ()) = tokio::join!(follower, finish);

        let committed = committed.lock().await;
        assert_eq!(seen.iter().collect::<HashSet<_>>(), committed.iter().collect::<HashSet<_>>());
        assert_eq!(seen.len(), committed.len(), "nothing twice");
        let mut last = HashMap::new();
        for (id, sequence) in &seen {
            assert_eq!(last.insert(*id, *sequence).unwrap_or(0) + 1, *sequence, "in order for each thing");
        }
        for relay in running {
            relay.stop().await;
        }
        assert_eq!(published(&db).await.len(), seen.len());
    }

    async fn a_commit_wakes_the_relay_at_once(db: TestDb) {
        let outbox = outbox();
        let slow = RelayOptions { poll: Duration::from_secs(3600), lease: Duration::from_secs(3600), ..quick() };
        let relay = Running::start(&db, &outbox, FeedTransport, slow);
        let feed = Feed::new(db.clone(), outbox.clone(), Arc::new(NoSnapshot), Shutdown::new());
        testkit::eventually("the relay holds the partitions", async || {
            holders(&db).await.iter().all(Option::is_some).then_some(())
        }).await;
        for round in 0..20 {
            changed(&db, &outbox, new_id()).await;
            // Nothing polls: both the relay and the follower are woken by the commit before them.
            let events = feed.read(round, 10, Duration::from_secs(20)).await.unwrap();
            assert_eq!(events.len(), 1);
        }
        relay.stop().await;
        assert_eq!(holders(&db).await, vec![None; 16], "handed back");
    }
}

/// The trap of "number greater than the last": the second transaction commits first.
#[test]
fn a_transaction_that_commits_late_is_not_stepped_over() {
    testkit::block_on(async {
        let db = testkit::postgres(&[&crate::MIGRATIONS, &THINGS]).await;
        let outbox = outbox();
        let relay = Running::start(&db, &outbox, FeedTransport, quick());
        let (early, late) = (new_id(), new_id());
        let mut slow = db.begin("test").await.unwrap();
        change(&mut slow, &outbox, early).await;
        changed(&db, &outbox, late).await;
        assert_eq!(follow(&db, &outbox, 1).await, [(late, 1)]);
        slow.commit().await.unwrap();
        assert_eq!(follow(&db, &outbox, 2).await, [(late, 1), (early, 1)]);
        relay.stop().await;
    });
}

/// Two publishers that take positions at the same time: the one that took the later ones cannot be seen first.
#[test]
fn positions_become_visible_in_order() {
    testkit::block_on(async {
        let db = testkit::postgres(&[&crate::MIGRATIONS, &THINGS]).await;
        let mut first = db.begin("test").await.unwrap();
        assert_eq!(store::take_positions(&mut first, 3).await.unwrap(), 1);
        let mut second = db.begin("test").await.unwrap();
        let mut taking = Box::pin(store::take_positions(&mut second, 2));
        let waits = tokio::time::timeout(Duration::from_millis(200), &mut taking).await;
        assert!(
            waits.is_err(),
            "the counter is locked until the first publisher commits"
        );
        first.rollback().await.unwrap();
        assert_eq!(taking.await.unwrap(), 1, "a rollback gives its positions back");
    });
}

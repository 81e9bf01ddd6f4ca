//! Several replicas, some of which stand still.

use crate::transport::PublishError;
use contract::Envelope;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::TestDb;
use tokio::sync::Notify;

use super::*;
use crate::feed::FeedTransport;
use crate::testing::{Recorder, THINGS, changed, new_id, outbox};

/// A transport that stands still in the middle of a batch, as a process that was stopped does.
#[derive(Clone, Default)]
struct Stalling {
    reached: Arc<AtomicBool>,
    go_on: Arc<Notify>,
    broker: Option<Recorder>,
}

impl Transport for Stalling {
    fn name(&self) -> &'static str {
        "stalling"
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        if !self.reached.swap(true, Ordering::SeqCst) {
            self.go_on.notified().await;
        }
        match &self.broker {
            Some(broker) => broker.publish(events).await,
            None => vec![Ok(()); events.len()],
        }
    }
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn a_holder_that_stood_still_publishes_nothing_when_it_wakes(db: TestDb) {
        let outbox = outbox();
        let ids: Vec<Uuid> = (0..20).map(|_| new_id()).collect();
        for id in &ids {
            changed(&db, &outbox, *id).await;
        }
        let stalling = Stalling::default();
        let old = Running::start(&db.another().await, &outbox, stalling.clone(), quick());
        testkit::eventually("the first relay is in the middle of a batch", async || {
            stalling.reached.load(Ordering::SeqCst).then_some(())
        }).await;

        let new = Running::start(&db.another().await, &outbox, FeedTransport, quick());
        all_published(&db, ids.len()).await;
        // The old one still has the first version in hand when the second is published.
        for id in &ids {
            changed(&db, &outbox, *id).await;
        }
        let before = all_published(&db, ids.len() * 2).await;
        stalling.go_on.notify_one();
        // On PostgreSQL it gets its share back, and may publish again; on SQLite it stays out.
        changed(&db, &outbox, ids[0]).await;
        let after = all_published(&db, ids.len() * 2 + 1).await;
        old.stop().await;
        new.stop().await;

        assert_eq!(after[..before.len()], before, "nothing was published again or moved");
        let positions: Vec<i64> = published(&db).await.iter().map(|row| row.0).collect();
        assert_eq!(positions, (1..=41).collect::<Vec<_>>());
        for id in &ids[1..] {
            let sequences: Vec<i64> = after.iter().filter(|row| row.1 == *id).map(|row| row.2).collect();
            assert_eq!(sequences, [1, 2]);
        }
    }

    /// A broker that keeps only the last message of each aggregate has to keep the newest.
    async fn what_a_holder_that_stood_still_sends_late_does_not_stay_the_last_word(db: TestDb) {
        let outbox = outbox();
        let id = new_id();
        changed(&db, &outbox, id).await;
        let broker = Recorder::new(|_| Ok(()));
        let stalling = Stalling { broker: Some(broker.clone()), ..Stalling::default() };
        let old = Running::start(&db.another().await, &outbox, stalling.clone(), quick());
        testkit::eventually("the first relay is in the middle of a batch", async || {
            stalling.reached.load(Ordering::SeqCst).then_some(())
        }).await;
        let new = Running::start(&db.another().await, &outbox, broker.clone(), quick());
        all_published(&db, 1).await;
        changed(&db, &outbox, id).await;
        all_published(&db, 2).await;
        assert_eq!(broker.of(id), [1, 2]);
        stalling.go_on.notify_one();
        testkit::eventually("the newest comes behind what came late", async || {
            (broker.of(id) == [1, 2, 1, 2]).then_some(())
        }).await;
        old.stop().await;
        new.stop().await;
    }

    /// The fence alone: nobody has published what the old holder has in hand.
    async fn a_holder_whose_lease_was_taken_does_not_publish_even_what_is_unsent(db: TestDb) {
        let outbox = outbox();
        changed(&db, &outbox, new_id()).await;
        let stalling = Stalling::default();
        let old = Running::start(&db, &outbox, stalling.clone(), RelayOptions::default());
        testkit::eventually("the relay is in the middle of a batch", async || {
            stalling.reached.load(Ordering::SeqCst).then_some(())
        }).await;
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox_leases SET holder = $1, fence = fence + 1")
            .bind(new_id()).execute(c).await.map(|_| ()).unwrap());
        tx.commit().await.unwrap();
        old.0.advance(Phase::Stopping);
        stalling.go_on.notify_one();
        old.stop().await;
        assert!(published(&db).await.is_empty());
        assert!(holders(&db).await.iter().all(Option::is_some), "it gave back nothing that is not its own");
    }

    async fn a_restarted_service_goes_on_where_the_last_one_was_killed(db: TestDb) {
        let outbox = outbox();
        let stalling = Stalling::default();
        changed(&db, &outbox, new_id()).await;
        // Killed: it never hands anything back.
        let killed = Running::start(&db.another().await, &outbox, stalling.clone(), quick());
        testkit::eventually("the relay holds everything", async || {
            stalling.reached.load(Ordering::SeqCst).then_some(())
        }).await;
        let next = Running::start(&db.another().await, &outbox, FeedTransport, quick());
        let taken_over = Duration::from_secs(10);
        testkit::within(taken_over, "the partitions move", async || {
            (published(&db).await.len() == 1).then_some(())
        }).await;
        next.stop().await;
        drop(killed);
        stalling.go_on.notify_one();
    }
}

fn postgres<F: Future<Output = ()>>(story: impl FnOnce(TestDb) -> F) {
    testkit::block_on(async { story(testkit::postgres(&[&crate::MIGRATIONS, &THINGS]).await).await });
}

/// The numbers of partitions that the replicas hold, if all are held.
async fn shares(db: &Db) -> Option<Vec<usize>> {
    let holders = holders(db).await.into_iter().collect::<Option<Vec<Uuid>>>()?;
    let mut counts = std::collections::HashMap::new();
    holders
        .into_iter()
        .for_each(|holder| *counts.entry(holder).or_default() += 1);
    let mut shares: Vec<usize> = counts.into_values().collect();
    shares.sort_unstable();
    Some(shares)
}

#[test]
fn replicas_share_the_partitions_and_take_over_from_those_that_leave() {
    postgres(async |db| {
        let settle = async |expected: &[usize]| {
            testkit::eventually("the partitions are shared", async || {
                shares(&db).await.filter(|shares| shares == expected)
            })
            .await;
        };
        let outbox = outbox();
        let first = Running::start(&db, &outbox, FeedTransport, quick());
        settle(&[16]).await;
        let second = Running::start(&db.another().await, &outbox, FeedTransport, quick());
        settle(&[8, 8]).await;
        let third = Running::start(&db.another().await, &outbox, FeedTransport, quick());
        settle(&[4, 6, 6]).await;
        first.stop().await;
        settle(&[8, 8]).await;
        second.stop().await;
        settle(&[16]).await;
        third.stop().await;
    });
}

#[test]
fn who_leaves_says_so_and_others_take_over_at_once() {
    postgres(async |db| {
        let outbox = outbox();
        let leaving = Running::start(&db, &outbox, FeedTransport, quick());
        all_held(&db).await;
        // Looks after its leases every ten seconds only, unless it is told to.
        let seldom = RelayOptions {
            lease: Duration::from_secs(30),
            ..quick()
        };
        let staying = Running::start(&db.another().await, &outbox, FeedTransport, seldom);
        testkit::eventually("both listen", async || {
            let mut reader = db.reader().await.unwrap();
            let listening = "SELECT count(*) FROM pg_stat_activity
                             WHERE datname = current_database() AND query LIKE 'LISTEN%'";
            let listening: i64 =
                on_engine!(&mut reader, c => sqlx::query_scalar(listening).fetch_one(c).await.unwrap());
            (listening == 2).then_some(())
        })
        .await;
        leaving.stop().await;
        testkit::within(
            Duration::from_secs(5),
            "the partitions are taken over",
            async || shares(&db).await.filter(|shares| *shares == [16]),
        )
        .await;
        staying.stop().await;
    });
}

async fn all_held(db: &Db) {
    testkit::eventually("all partitions are held", async || shares(db).await).await;
}

#[test]
fn a_slow_transport_does_not_cost_the_partitions() {
    postgres(async |db| {
        let outbox = outbox();
        changed(&db, &outbox, new_id()).await;
        let stalling = Stalling::default();
        // Long enough that a pause of the machine is not taken for the end of a relay.
        let options = RelayOptions {
            lease: Duration::from_secs(3),
            ..quick()
        };
        let patient = RelayOptions {
            patience: Duration::from_secs(60),
            ..options
        };
        let slow = Running::start(&db, &outbox, stalling.clone(), patient);
        testkit::eventually("the relay is in the middle of a batch", async || {
            stalling.reached.load(Ordering::SeqCst).then_some(())
        })
        .await;
        let other = Running::start(&db.another().await, &outbox, FeedTransport, options);
        // A third of a lease each: the other would have taken the partitions long ago.
        testkit::eventually("the leases are renewed many times", async || {
            let mut reader = db.reader().await.unwrap();
            let renewed = "SELECT min(renewals) FROM outbox_leases";
            let renewed: i64 =
                on_engine!(&mut reader, c => sqlx::query_scalar(renewed).fetch_one(c).await.unwrap());
            (renewed > 5).then_some(())
        })
        .await;
        assert!(published(&db).await.is_empty());
        stalling.go_on.notify_one();
        all_published(&db, 1).await;
        slow.stop().await;
        other.stop().await;
    });
}

#[test]
fn a_lease_that_was_lost_refuses_to_publish_even_inside_the_transaction() {
    postgres(async |db| {
        let me = new_id();
        let mut leases = leases::Leases::new(me, chassis::db::Engine::Postgres, Duration::from_secs(60));
        leases.maintain(&db).await.unwrap();
        assert_eq!(leases.count(), 16);
        let mut tx = db.begin("test").await.unwrap();
        let held = store::held(&mut tx, me, "1000").await.unwrap();
        assert!((0..16).all(|partition| leases.confirms(partition, &held)));
        tx.rollback().await.unwrap();

        // Another takes partition 3, and even gives it back: the fence has moved.
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox_leases SET fence = fence + 1 WHERE partition = 3")
            .execute(c).await.map(|_| ()).unwrap());
        tx.commit().await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        let held = store::held(&mut tx, me, "1000").await.unwrap();
        assert!(!leases.confirms(3, &held));
        assert!(leases.confirms(4, &held));
    });
}

/// A publisher that is stopped inside its transaction holds the counter: PostgreSQL ends it.
#[test]
fn a_publisher_that_stands_still_inside_its_transaction_is_thrown_out() {
    postgres(async |db| {
        let mut stuck = db.begin("test").await.unwrap();
        store::held(&mut stuck, new_id(), "2000").await.unwrap();
        assert_eq!(store::take_positions(&mut stuck, 5).await.unwrap(), 1);
        let mut next = db.begin("test").await.unwrap();
        assert_eq!(
            store::take_positions(&mut next, 1).await.unwrap(),
            1,
            "its positions came back"
        );
        next.commit().await.unwrap();
        assert!(stuck.commit().await.is_err());
    });
}

#[test]
fn replicas_wake_each_other() {
    postgres(async |db| {
        let (mut one, mut two) = (
            replica_notify::ReplicaNotify::new(new_id(), &db),
            replica_notify::ReplicaNotify::new(new_id(), &db),
        );
        one.update_peers(false).await;
        two.update_peers(false).await;
        one.mark_dirty();
        one.notify_if_dirty(&db).await;
        tokio::time::timeout(Duration::from_secs(20), two.listen())
            .await
            .expect("two is woken");
        let own = tokio::time::timeout(Duration::from_millis(200), one.listen()).await;
        assert!(own.is_err(), "nobody is woken by their own word");
    });
}

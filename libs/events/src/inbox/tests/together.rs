//! Tests of replays, repairs and snapshots of one replica while another has a delivery in hand.

use std::time::Duration;
use uuid::Uuid;

use tokio::sync::Notify;

use super::super::apply::Origin;
use super::*;
use crate::testing::{THINGS, event, new_id};

/// Applies like [`Effects`], but stands still before version 5 until it is let go.
struct Slow {
    effects: Effects,
    entered: Arc<Notify>,
    go: Arc<Notify>,
}

impl Handler for Slow {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if event.sequence == 5 {
            self.entered.notify_one();
            self.go.notified().await;
        }
        self.effects.apply(tx, event).await
    }
}

/// Runs `other` while a delivery of version 5 of `id` is being applied: it has to wait for its end.
async fn while_five_is_applied(db: &testkit::TestDb, id: Uuid, other: impl Future<Output = ()>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = Slow {
        effects: Effects::new(|_| Ok(())),
        entered: Arc::clone(&entered),
        go: Arc::clone(&go),
    };
    let inbox = Inbox::new("tests", db.another().await, clock(), slow, quick());
    let five = [event(id, 5)];
    let delivery = async { inbox.deliver(&five, None).await.unwrap() };
    let meanwhile = async {
        entered.notified().await;
        let mut other = std::pin::pin!(other);
        let early = tokio::time::timeout(Duration::from_millis(300), &mut other).await;
        go.notify_one();
        if early.is_err() {
            other.await;
        }
        early.is_ok()
    };
    let (delivered, early) = tokio::join!(delivery, meanwhile);
    assert_eq!(delivered.applied, 1);
    assert!(!early, "it did not wait for the delivery");
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn a_snapshot_does_not_overtake_a_delivery_that_would_then_undo_it(db: TestDb) {
        let (id, other) = (new_id(), inbox(&db, Effects::new(|_| Ok(()))));
        while_five_is_applied(&db, id, async {
            other.deliver_from(Origin::Snapshot, &[event(id, 6)], None).await.unwrap();
        }).await;
        assert_eq!(of(&effects(&db).await, id), [5, 6]);
    }

    async fn an_event_that_is_tried_again_does_not_undo_a_delivery(db: TestDb) {
        let id = new_id();
        let handler = Effects::new(|event| {
            if event.sequence == 4 { Err(HandlerError::other("poison")) } else { Ok(()) }
        });
        let other = inbox(&db, handler.clone());
        other.deliver(&[event(id, 4)], None).await.unwrap();
        testkit::eventually("version 4 is given up", async || {
            other.retry_parked().await.unwrap();
            let rows = store::parked::parked(&mut db.reader().await.unwrap(), "tests", 1).await.unwrap();
            rows.first().and_then(|row| row.dead_lettered_at)
        }).await;
        handler.behave(|_| Ok(()));
        while_five_is_applied(&db, id, async {
            // Replayed while the delivery has seen that nothing is set aside.
            let mut tx = other.db.begin("test").await.unwrap();
            let rows = store::parked::parked(&mut tx, "tests", 1).await.unwrap();
            assert!(store::parked::replay_parked(&mut tx, "tests", rows[0].event_id).await.unwrap());
            tx.commit().await.unwrap();
            other.retry_parked().await.unwrap();
        }).await;
        assert_eq!(of(&effects(&db).await, id), [5], "version 4 is old by now");
    }

    async fn a_repair_does_not_undo_a_delivery(db: TestDb) {
        let (id, other) = (new_id(), inbox(&db, Effects::new(|_| Ok(()))));
        other.deliver(&[event(id, 3)], None).await.unwrap();
        while_five_is_applied(&db, id, async {
            other.repair(&event(id, 4), Some(3)).await.unwrap();
        }).await;
        assert_eq!(of(&effects(&db).await, id), [3, 5]);
    }
}

#[test]
fn a_replica_that_was_stopped_in_the_middle_of_a_delivery_does_not_keep_the_others_waiting() {
    testkit::block_on(async {
        let db = testkit::postgres(&[&crate::MIGRATIONS, &THINGS]).await;
        let mut stopped = db.begin("test").await.unwrap();
        store::enter(&mut stopped, "tests", store::Together::WithDeliveries)
            .await
            .unwrap();
        let chassis::db::Handle::Postgres(c) = chassis::db::Connection::handle(&mut stopped) else {
            unreachable!()
        };
        let limit: String = sqlx::query_scalar("SHOW idle_in_transaction_session_timeout")
            .fetch_one(c)
            .await
            .unwrap();
        assert_eq!(limit, "10s");
    });
}

/// Two members of a group have the same events in hand for a moment when partitions move.
#[test]
fn two_replicas_with_the_same_events_in_another_order_wait_in_one_direction() {
    testkit::block_on(async {
        let db = testkit::postgres(&[&crate::MIGRATIONS, &THINGS]).await;
        let (low, high, now) = (Uuid::from_u128(1), Uuid::from_u128(2), clock().now());
        let mut one = db.begin("test").await.unwrap();
        store::remember(&mut one, "tests", [low].into_iter(), now)
            .await
            .unwrap();
        let mut two = db.begin("test").await.unwrap();
        let mut other = tokio::task::JoinSet::new();
        other.spawn(async move {
            let both = [high, low].into_iter();
            store::remember(&mut two, "tests", both, now)
                .await
                .map(|fresh| fresh.len())
        });
        db.wait_for_lock_waiter().await;
        let fresh = store::remember(&mut one, "tests", [high].into_iter(), now)
            .await
            .unwrap();
        assert_eq!(fresh.len(), 1);
        one.commit().await.unwrap();
        assert_eq!(other.join_next().await.unwrap().unwrap().unwrap(), 0);
    });
}

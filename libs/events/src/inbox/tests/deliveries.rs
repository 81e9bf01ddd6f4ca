//! Deliveries as brokers make them: repeated, reversed, with gaps.

use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::testing::{THINGS, event, new_id};

/// A model of the inbox: the expected result of deliveries, worked out without a database.
#[derive(Default)]
struct Model {
    seen: HashSet<Uuid>,
    newest: HashMap<Uuid, i64>,
    effects: Vec<(Uuid, i64)>,
    total: Delivery,
}

impl Model {
    fn deliver(&mut self, events: &[Envelope]) -> Delivery {
        let mut delivery = Delivery::default();
        for event in events {
            let last = self.newest.get(&event.subject).copied();
            if !self.seen.insert(event.id) {
                delivery.duplicates += 1;
            } else if last.is_some_and(|last| event.sequence <= last) {
                delivery.stale += 1;
            } else {
                delivery.gaps += u64::from(last.is_some_and(|last| event.sequence > last + 1));
                delivery.applied += 1;
                self.newest.insert(event.subject, event.sequence);
                self.effects.push((event.subject, event.sequence));
            }
        }
        self.total.add(delivery);
        delivery
    }
}

/// A strategy for the order of the deliveries: indices of events, repeated and grouped at random.
fn script() -> impl Strategy<Value = Vec<Vec<usize>>> {
    proptest::collection::vec(proptest::collection::vec(0..18_usize, 1..8), 1..10)
}

fn check_all(db: &Db) {
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&script(), |script| {
        runtime.block_on(async {
            // Three things with six versions each, new ones in each case.
            let ids = [new_id(), new_id(), new_id()];
            let events: Vec<Envelope> = (0..18)
                .map(|n| event(ids[n % 3], i64::try_from(n / 3).unwrap() + 1))
                .collect();
            let inbox = inbox(db, Effects::new(|_| Ok(())));
            let mut model = Model::default();
            for group in script {
                let group: Vec<Envelope> = group.into_iter().map(|n| events[n].clone()).collect();
                assert_eq!(inbox.deliver(&group, None).await.unwrap(), model.deliver(&group));
            }
            let mine: Vec<_> = effects(db)
                .await
                .into_iter()
                .filter(|(id, _)| ids.contains(id))
                .collect();
            assert_eq!(mine, model.effects);
            let rising = |id| of(&mine, id).windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ids.into_iter().all(rising), "no version goes back");
        });
        Ok(())
    });
    outcome.unwrap();
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn repeated_reversed_and_missing_deliveries_apply_the_newest_once(db: TestDb) {
        tokio::task::block_in_place(|| check_all(&db));
    }

    async fn a_delivery_that_comes_again_changes_nothing(db: TestDb) {
        let inbox = inbox(&db, Effects::new(|_| Ok(())));
        let id = new_id();
        let events = [event(id, 1), event(id, 2), event(id, 4)];
        let first = inbox.deliver(&events, None).await.unwrap();
        assert_eq!(first, Delivery { applied: 3, gaps: 1, ..Delivery::default() });
        let again = inbox.deliver(&events, None).await.unwrap();
        assert_eq!(again, Delivery { duplicates: 3, ..Delivery::default() });
        // Another consumer of the same database has notes of its own.
        let other = Inbox::new("others", db.clone(), clock(), Effects::new(|_| Ok(())), quick());
        assert_eq!(other.deliver(&events, None).await.unwrap().applied, 3);
    }

    async fn types_of_no_interest_are_passed_over(db: TestDb) {
        let inbox = inbox(&db, Effects::new(|_| Ok(())));
        let id = new_id();
        let mut strange = event(id, 1);
        strange.kind = "vestibule.user.promoted.v9".to_owned();
        let delivery = inbox.deliver(&[strange, event(id, 2)], None).await.unwrap();
        assert_eq!(delivery, Delivery { applied: 1, ignored: 1, ..Delivery::default() });
    }

    /// Two replicas with the same delivery in hand: one applies it, the other learns that it is further.
    async fn replicas_do_the_work_once(db: TestDb) {
        let other = db.another().await;
        let (one, two) = (inbox(&db, Effects::new(|_| Ok(()))), inbox(&other, Effects::new(|_| Ok(()))));
        let mut tx = db.begin("test").await.unwrap();
        let from = positions::ensure_row(&mut tx, &PositionKey::feed("tests"), clock().now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(one.position().await.unwrap(), None);
        let ids: Vec<Uuid> = (0..50).map(|_| new_id()).collect();
        let events: Vec<Envelope> = ids.iter().map(|id| event(*id, 1)).collect();
        let step = Some(Step { from, to: 50 });
        let (first, second) = tokio::join!(one.deliver(&events, step), two.deliver(&events, step));
        let moved = [&first, &second].into_iter().filter(|result| matches!(result, Err(InboxError::Moved))).count();
        assert_eq!(moved, 1);
        assert_eq!(effects(&db).await.len(), 50);
        assert_eq!(two.position().await.unwrap(), Some(50));
    }

    async fn ids_are_forgotten_after_a_while_and_versions_are_not(db: TestDb) {
        let inbox = inbox(&db, Effects::new(|_| Ok(())));
        let events = [event(new_id(), 3)];
        inbox.deliver(&events, None).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        store::forget(&mut tx, "tests", clock().now() + Duration::from_secs(1)).await.unwrap();
        tx.commit().await.unwrap();
        let again = inbox.deliver(&events, None).await.unwrap();
        assert_eq!(again, Delivery { stale: 1, ..Delivery::default() });
    }
}

//! From commit to effect, over HTTP.

use chassis::on_engine;

use super::*;
use crate::inbox::{Bootstrap, Consumer, ConsumerOptions};
use crate::testing::{Effects, effects, of, quick};
use crate::testing::{THINGS, changed, new_id};

/// A consumer in a database of its own.
async fn consume(service: &Service, db: &Db, options: ConsumerOptions) -> Shutdown {
    let shutdown = Shutdown::new();
    let handler = Effects::new(|_| Ok(()));
    let consumer = Consumer::new("tests", service.source(), db.clone(), clock(), handler, options);
    shutdown.spawn("consumer", consumer.run(shutdown.clone()));
    shutdown
}

async fn applied(db: &Db, count: usize) -> Vec<(Uuid, i64)> {
    testkit::eventually("everything is applied", async || {
        let effects = effects(db).await;
        (effects.len() >= count).then_some(effects)
    })
    .await
}

async fn stop(consumer: Shutdown) {
    consumer.finish(Duration::from_secs(20)).await.unwrap();
}

/// The version of each thing that the consumer has in the end.
fn newest(effects: &[(Uuid, i64)]) -> BTreeMap<Uuid, i64> {
    effects.iter().copied().collect()
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn events_are_applied_once_in_order_and_a_restart_goes_on(db: TestDb) {
        let service = Service::start(&db).await;
        let here = fresh(&db).await;
        let ids = [new_id(), new_id(), new_id()];
        let options = ConsumerOptions { bootstrap: Bootstrap::Beginning, batch: 7, ..quick() };
        for _ in 0..5 {
            for id in ids {
                changed(&db, &service.outbox, id).await;
            }
        }
        let consumer = consume(&service, &here, options.clone()).await;
        applied(&here, 15).await;
        stop(consumer).await;
        for id in ids {
            changed(&db, &service.outbox, id).await;
        }
        // Two replicas of the consumer.
        let (one, two) = (consume(&service, &here, options.clone()).await, consume(&service, &here, options).await);
        changed(&db, &service.outbox, ids[0]).await;
        let effects = applied(&here, 19).await;
        assert_eq!(of(&effects, ids[0]), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(of(&effects, ids[1]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(effects.len(), 19);
        stop(one).await;
        stop(two).await;
        service.stop().await;
    }

    async fn a_newcomer_begins_with_the_snapshot_and_misses_nothing_after_it(db: TestDb) {
        let service = Service::start(&db).await;
        let here = fresh(&db).await;
        let ids: Vec<Uuid> = (0..5).map(|_| new_id()).collect();
        for id in &ids {
            for _ in 0..3 {
                changed(&db, &service.outbox, *id).await;
            }
            service.states.states.lock().unwrap().insert(*id, 3);
        }
        service.published(15).await;
        *service.states.meanwhile.lock().unwrap() = Some((db.another().await, service.outbox.clone(), ids[0]));
        let consumer = consume(&service, &here, quick()).await;
        testkit::eventually("the consumer is up to date", async || {
            let newest = newest(&effects(&here).await);
            (newest.len() == 5 && newest.get(&ids[0]) == Some(&4)).then_some(())
        }).await;
        let effects = effects(&here).await;
        assert_eq!(of(&effects, ids[1]), [3], "one state, not its history");
        assert_eq!(effects.len(), 6);
        stop(consumer).await;
        service.stop().await;
    }

    async fn who_was_away_for_too_long_begins_again_with_the_snapshot(db: TestDb) {
        let service = Service::start(&db).await;
        let here = fresh(&db).await;
        let (known, new) = (new_id(), new_id());
        changed(&db, &service.outbox, known).await;
        service.states.states.lock().unwrap().insert(known, 1);
        let consumer = consume(&service, &here, quick()).await;
        applied(&here, 1).await;
        stop(consumer).await;

        for id in [known, new, known] {
            changed(&db, &service.outbox, id).await;
        }
        service.states.states.lock().unwrap().extend([(known, 3), (new, 1)]);
        service.published(4).await;
        let mut tx = db.begin("test").await.unwrap();
        prune(&mut tx, clock().now() + Duration::from_secs(1), 100).await.unwrap();
        tx.commit().await.unwrap();
        let consumer = consume(&service, &here, quick()).await;
        let effects = applied(&here, 3).await;
        assert_eq!((of(&effects, known), of(&effects, new)), (vec![1, 3], vec![1]));
        changed(&db, &service.outbox, new).await;
        assert_eq!(of(&applied(&here, 4).await, new), [1, 2], "and goes on with the feed");
        stop(consumer).await;
        service.stop().await;
    }

    async fn a_hole_in_the_feed_is_filled_with_the_snapshot(db: TestDb) {
        let service = Service::start(&db).await;
        let here = fresh(&db).await;
        let (known, gone) = (new_id(), new_id());
        changed(&db, &service.outbox, known).await;
        service.states.states.lock().unwrap().insert(known, 1);
        let consumer = consume(&service, &here, quick()).await;
        applied(&here, 1).await;
        stop(consumer).await;

        for id in [gone, known] {
            changed(&db, &service.outbox, id).await;
        }
        service.published(3).await;
        let mut tx = db.begin("test").await.unwrap();
        let delete = "DELETE FROM outbox WHERE position = 2";
        on_engine!(&mut tx, c => sqlx::query(delete).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
        service.states.states.lock().unwrap().extend([(known, 2), (gone, 1)]);
        let consumer = consume(&service, &here, quick()).await;
        let effects = applied(&here, 3).await;
        assert_eq!((of(&effects, known), of(&effects, gone)), (vec![1, 2], vec![1]));
        changed(&db, &service.outbox, gone).await;
        assert_eq!(of(&applied(&here, 4).await, gone), [1, 2], "and goes on with the feed");
        stop(consumer).await;
        service.stop().await;
    }

    async fn a_consumer_waits_for_a_feed_that_is_away(db: TestDb) {
        let service = Service::start(&db).await;
        let here = fresh(&db).await;
        let away = Service { url: "http://127.0.0.1:9".parse().unwrap(), ..service.clone() };
        let consumer = consume(&away, &here, quick()).await;
        changed(&db, &service.outbox, new_id()).await;
        stop(consumer).await;
        assert!(effects(&here).await.is_empty());
        let options = ConsumerOptions { bootstrap: Bootstrap::Beginning, ..quick() };
        let consumer = consume(&service, &here, options).await;
        applied(&here, 1).await;
        stop(consumer).await;
        service.stop().await;
    }
}

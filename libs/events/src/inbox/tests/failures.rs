//! Events that cannot be applied.

use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

use super::apply::Origin;

use chassis::on_engine;

use super::*;
use crate::testing::{THINGS, event, new_id};

fn poison() -> Result<(), HandlerError> {
    Err(HandlerError::other("poison"))
}

async fn until_settled(inbox: &Inbox<Effects>) {
    testkit::eventually("what was set aside is settled", async || {
        inbox.retry_parked().await.unwrap().then_some(())
    })
    .await;
    while inbox.retry_parked().await.unwrap() {}
}

async fn waiting(db: &Db) -> Vec<(Uuid, i64)> {
    let rows = store::parked::parked(&mut db.reader().await.unwrap(), "tests", 100)
        .await
        .unwrap();
    rows.iter()
        .filter(|row| row.dead_lettered_at.is_none())
        .map(|row| (row.aggregate_id, row.sequence))
        .collect()
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    /// PostgreSQL keeps no NUL in a text, and nobody may stand still over what is wrong with one message.
    async fn what_is_wrong_may_quote_what_no_text_can_hold(db: TestDb) {
        let inbox = inbox(&db, Effects::new(|_| Err(HandlerError::other("po\0ison"))));
        inbox.deliver(&[event(new_id(), 1)], None).await.unwrap();
        let errors = async || -> Vec<(i32, String)> {
            let rows = store::parked::parked(&mut db.reader().await.unwrap(), "tests", 9).await.unwrap();
            rows.into_iter().map(|row| (row.attempts, row.last_error)).collect()
        };
        assert_eq!(errors().await, [(1, "po\u{fffd}ison".to_owned())]);
        until_settled(&inbox).await;
        assert_eq!(errors().await, [(3, "po\u{fffd}ison".to_owned())]);

        let message = crate::transport::UnreadableMessage {
            place: "queue\0#1".to_owned(),
            error: "the id \0 is none".to_owned(),
            body: b"\0".to_vec(),
        };
        unreadable::store_unreadable(&inbox, "told", &message).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let kept: Vec<(String, Vec<u8>)> =
            on_engine!(&mut reader, c => sqlx::query_as("SELECT error, body FROM inbox_unreadable")
                .fetch_all(c)
                .await
                .unwrap());
        assert_eq!(kept, [("the id \u{fffd} is none".to_owned(), b"\0".to_vec())]);
    }

    async fn what_another_replica_has_applied_meanwhile_is_not_set_aside(db: TestDb) {
        let inbox = inbox(&db, Effects::new(|_| Ok(())));
        let event = event(new_id(), 1);
        inbox.deliver(std::slice::from_ref(&event), None).await.unwrap();
        let error = HandlerError::other("poison");
        let late = inbox.park(Origin::Stream, &[event], None, &error).await.unwrap();
        assert_eq!((late.duplicates, late.parked), (1, 0));
        assert!(waiting(&db).await.is_empty());
    }

    async fn a_poison_event_holds_back_its_aggregate_alone_until_it_passes(db: TestDb) {
        let (bad, good) = (new_id(), new_id());
        let handler = Effects::new(move |event| {
            if (event.subject, event.sequence) == (bad, 2) { poison() } else { Ok(()) }
        });
        let inbox = inbox(&db, handler.clone());
        let events: Vec<Envelope> =
            (1..=4).flat_map(|sequence| [event(bad, sequence), event(good, sequence)]).collect();
        let delivery = inbox.deliver(&events, None).await.unwrap();
        assert_eq!((delivery.applied, delivery.parked), (5, 3));
        let after = effects(&db).await;
        assert_eq!((of(&after, good), of(&after, bad)), (vec![1, 2, 3, 4], vec![1]));
        assert_eq!(waiting(&db).await, [(bad, 2), (bad, 3), (bad, 4)]);
        // What comes later waits too, and what comes again is a duplicate.
        let later = inbox.deliver(&[event(bad, 5), events[2].clone()], None).await.unwrap();
        assert_eq!((later.parked, later.duplicates), (1, 1));

        handler.behave(|_| Ok(()));
        until_settled(&inbox).await;
        assert_eq!(of(&effects(&db).await, bad), [1, 2, 3, 4, 5], "in order, each once");
        assert!(waiting(&db).await.is_empty());
    }

    async fn a_poison_event_is_given_up_after_some_attempts_and_can_be_replayed(db: TestDb) {
        let (bad, later) = (new_id(), new_id());
        let handler = Effects::new(move |event| {
            if event.subject == later || event.sequence == 1 { poison() } else { Ok(()) }
        });
        let inbox = inbox(&db, handler.clone());
        inbox.deliver(&[event(bad, 1), event(bad, 2), event(later, 7)], None).await.unwrap();
        testkit::eventually("both are given up, and the rest went on", async || {
            inbox.retry_parked().await.unwrap();
            waiting(&db).await.is_empty().then_some(())
        }).await;
        assert_eq!(of(&effects(&db).await, bad), [2]);
        let dead = store::parked::parked(&mut db.reader().await.unwrap(), "tests", 10).await.unwrap();
        assert_eq!(dead.iter().map(|row| (row.attempts, row.last_error.as_str())).collect::<Vec<_>>(), [(3, "poison"); 2]);

        handler.behave(|_| Ok(()));
        let mut tx = db.begin("test").await.unwrap();
        assert!(!store::parked::replay_parked(&mut tx, "tests", new_id()).await.unwrap());
        for event in &dead {
            assert!(store::parked::replay_parked(&mut tx, "tests", event.event_id).await.unwrap());
        }
        tx.commit().await.unwrap();
        until_settled(&inbox).await;
        assert_eq!(of(&effects(&db).await, bad), [2], "a newer one was applied since");
        assert_eq!(of(&effects(&db).await, later), [7]);
        assert!(store::parked::parked(&mut db.reader().await.unwrap(), "tests", 10).await.unwrap().is_empty());
    }

    async fn what_fails_once_is_applied_once_and_nothing_of_the_failure_stays(db: TestDb) {
        let (id, tries) = (new_id(), AtomicU32::new(0));
        let handler = Effects::new(move |event| {
            if event.sequence == 2 && tries.fetch_add(1, Ordering::SeqCst) % 3 < 2 { poison() } else { Ok(()) }
        });
        let inbox = inbox(&db, handler);
        let events = [event(id, 1), event(id, 2), event(id, 3)];
        let delivery = inbox.deliver(&events, None).await.unwrap();
        assert_eq!((delivery.applied, delivery.parked), (3, 0));
        assert_eq!(of(&effects(&db).await, id), [1, 2, 3]);
    }

    async fn a_database_that_is_away_is_waited_for_and_no_event_is_blamed(db: TestDb) {
        let id = new_id();
        let handler = Effects::new(|_| Err(HandlerError::Db(DbError::Full)));
        let inbox = inbox(&db, handler.clone());
        let events = [event(id, 1), event(id, 2)];
        let refused = inbox.deliver(&events, None).await;
        assert!(matches!(refused, Err(InboxError::Db(DbError::Full))));
        assert!(waiting(&db).await.is_empty());
        handler.behave(|_| Ok(()));
        assert_eq!(inbox.deliver(&events, None).await.unwrap().applied, 2);
        assert_eq!(of(&effects(&db).await, id), [1, 2]);
    }

    async fn the_position_moves_with_the_events_even_when_one_is_set_aside(db: TestDb) {
        let ids: Vec<Uuid> = (0..5).map(|_| new_id()).collect();
        let bad = ids[2];
        let inbox = inbox(&db, Effects::new(move |event| if event.subject == bad { poison() } else { Ok(()) }));
        let mut tx = db.begin("test").await.unwrap();
        let from = positions::ensure_row(&mut tx, &PositionKey::feed("tests"), clock().now()).await.unwrap();
        tx.commit().await.unwrap();
        inbox.deliver(&[], Some(Step { from, to: 0 })).await.unwrap();
        let events: Vec<Envelope> = (1..).zip(&ids)
            .map(|(position, id)| Envelope { position: Some(position), ..event(*id, 1) })
            .collect();
        let delivery = inbox.deliver(&events, Some(Step { from: 0, to: 5 })).await.unwrap();
        assert_eq!((delivery.applied, delivery.parked), (4, 1));
        assert_eq!(inbox.position().await.unwrap(), Some(5));
        assert_eq!(effects(&db).await.len(), 4);
    }
}

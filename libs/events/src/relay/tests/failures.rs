//! Events that a transport refuses, and transports that are away.

use crate::transport::PublishError;
use contract::Envelope;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::outbox::{dead_letters, replay, replay_all};
use crate::testing::{Recorder, THINGS, changed, new_id, outbox};

fn refused() -> Result<(), PublishError> {
    Err(PublishError::Refused("poison".to_owned()))
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn a_poison_event_holds_back_nobody_else_and_is_given_up_and_replayed(db: TestDb) {
        let outbox = outbox();
        let (bad, good) = (new_id(), new_id());
        let poison = move |event: &Envelope| {
            if (event.subject, event.sequence) == (bad, 2) { refused() } else { Ok(()) }
        };
        let transport = Recorder::new(move |event| if event.subject == bad { refused() } else { Ok(()) });
        for id in [bad, good, bad, good, bad, good] {
            changed(&db, &outbox, id).await;
        }
        // So many attempts that it is surely still held while the others pass.
        let patient = RelayOptions { max_attempts: 1000, ..quick() };
        let relay = Running::start(&db, &outbox, transport.clone(), patient);
        all_published(&db, 3).await;
        assert_eq!((transport.of(good), transport.of(bad)), (vec![1, 2, 3], vec![]));
        relay.stop().await;

        transport.behave(poison);
        let relay = Running::start(&db, &outbox, transport.clone(), quick());
        all_published(&db, 5).await;
        assert_eq!(transport.of(bad), [1, 3], "given up, and the rest went on in order");
        let dead = dead_letters(&mut db.reader().await.unwrap(), 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].aggregate_id, dead[0].sequence), (bad, 2));
        assert!(dead[0].attempts >= 3);
        assert_eq!(dead[0].last_error.as_deref(), Some("poison"));

        transport.behave(|_| Ok(()));
        let mut tx = db.begin("test").await.unwrap();
        assert!(!replay(&mut tx, &outbox, new_id()).await.unwrap(), "there is no such dead letter");
        assert!(replay(&mut tx, &outbox, dead[0].id).await.unwrap());
        assert_eq!(replay_all(&mut tx, &outbox).await.unwrap(), 0, "it is revived once");
        tx.commit().await.unwrap();
        all_published(&db, 6).await;
        testkit::eventually("the newest state is the last word again", async || {
            (transport.of(bad) == [1, 3, 2, 3]).then_some(())
        }).await;
        assert!(dead_letters(&mut db.reader().await.unwrap(), 10).await.unwrap().is_empty());
        relay.stop().await;
        let positions: Vec<i64> = published(&db).await.iter().map(|row| row.0).collect();
        assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    }

    /// A replica whose clock was an hour ahead failed to publish it.
    async fn a_clock_that_was_wrong_holds_nothing_back_for_longer_than_a_pause(db: TestDb) {
        let outbox = outbox();
        let id = new_id();
        changed(&db, &outbox, id).await;
        changed(&db, &outbox, id).await;
        let ahead = outbox.clock().now() + Duration::from_secs(3600);
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox SET attempts = 1, next_attempt_at = $1 WHERE sequence = 1")
            .bind(ahead)
            .execute(c)
            .await
            .unwrap()
            .rows_affected());
        tx.commit().await.unwrap();
        let transport = Recorder::new(|_| Ok(()));
        let relay = Running::start(&db, &outbox, transport.clone(), quick());
        all_published(&db, 2).await;
        assert_eq!(transport.of(id), [1, 2]);
        relay.stop().await;
    }

    /// One partition of a broker has no leader, say.
    async fn what_cannot_be_delivered_does_not_stand_in_the_way_of_the_rest(db: TestDb) {
        let outbox = outbox();
        let good = new_id();
        // Four batches, older than everything else: the first is due again before the last was tried.
        for _ in 0..200 {
            changed(&db, &outbox, new_id()).await;
        }
        changed(&db, &outbox, good).await;
        let away = Err(PublishError::Unavailable("no leader".to_owned()));
        let transport = Recorder::new(move |event| if event.subject == good { Ok(()) } else { away.clone() });
        let relay = Running::start(&db, &outbox, transport.clone(), quick());
        all_published(&db, 1).await;
        assert_eq!(transport.of(good), [1]);
        transport.behave(|_| Ok(()));
        all_published(&db, 201).await;
        relay.stop().await;
        let mut reader = db.reader().await.unwrap();
        let tried: i64 = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM outbox WHERE attempts > 0")
            .fetch_one(c).await.unwrap());
        assert_eq!(tried, 0, "it is not held against them");
    }

    async fn what_is_due_again_and_what_was_never_tried_share_a_batch(db: TestDb) {
        let outbox = outbox();
        let now = outbox.clock().now();
        let second = Duration::from_secs(1);
        let longest = Duration::from_secs(60);
        let (due, long_due, held, clock_was_wrong) = (new_id(), new_id(), new_id(), new_id());
        let (untried, also_untried) = (new_id(), new_id());
        for id in [due, long_due, held, clock_was_wrong, untried, also_untried, long_due] {
            changed(&db, &outbox, id).await;
        }
        let mut tx = db.begin("test").await.unwrap();
        for (id, at) in [
            (due, now),
            (long_due, chassis::clock::Timestamp::from_secs(1)),
            (held, now + second),
            (clock_was_wrong, now + longest + second),
        ] {
            on_engine!(&mut tx, c => sqlx::query(
                    "UPDATE outbox SET next_attempt_at = $1 WHERE aggregate_id = $2 AND sequence = 1")
                .bind(at).bind(id).execute(c).await.unwrap().rows_affected());
        }
        tx.commit().await.unwrap();
        let every_partition = serde_json::json!((0..16).collect::<Vec<i32>>()).to_string();
        let mut reader = db.reader().await.unwrap();
        for (limit, retries, expected) in [
            (4, 2, vec![long_due, clock_was_wrong, untried, also_untried]),
            (4, 4, vec![due, long_due, clock_was_wrong, long_due]),
            // The first rows of an aggregate, and never the later ones alone.
            (2, 2, vec![long_due, clock_was_wrong]),
            // Each takes the room that the other leaves.
            (5, 1, vec![long_due, clock_was_wrong, untried, also_untried, long_due]),
            (10, 0, vec![due, long_due, clock_was_wrong, untried, also_untried, long_due]),
        ] {
            let selection = store::Selection { partitions: &every_partition, now, longest, limit, retries };
            let rows = store::unsent(&mut reader, selection).await.unwrap();
            let read: Vec<Uuid> = rows.iter().map(|row| row.aggregate_id).collect();
            assert_eq!(read, expected, "{limit} rows, {retries} of them again");
        }
    }

    async fn a_transport_that_is_away_costs_no_attempt(db: TestDb) {
        let outbox = outbox();
        let id = new_id();
        let asked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&asked);
        let transport = Recorder::new(move |_| {
            seen.store(true, Ordering::SeqCst);
            Err(PublishError::Unavailable("away".to_owned()))
        });
        changed(&db, &outbox, id).await;
        let relay = Running::start(&db, &outbox, transport.clone(), quick());
        testkit::eventually("the transport was asked", async || asked.load(Ordering::SeqCst).then_some(())).await;
        transport.behave(|_| Ok(()));
        all_published(&db, 1).await;
        relay.stop().await;
        let mut reader = db.reader().await.unwrap();
        let attempts: i32 = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT attempts FROM outbox")
            .fetch_one(c).await.unwrap());
        assert_eq!(attempts, 0);
    }
}

fn key(number: i64, aggregate: Uuid, attempts: i32) -> batch::OutboxRowKey {
    batch::OutboxRowKey {
        number,
        aggregate,
        partition: 0,
        attempts,
        failed: false,
    }
}

#[test]
fn nothing_behind_a_failed_event_counts_as_delivered() {
    let (a, b) = (new_id(), new_id());
    let keys = [key(1, a, 0), key(2, b, 0), key(3, a, 0), key(4, b, 0)];
    let now = chassis::clock::Timestamp::from_secs(100);
    // A careless transport that delivered 3 although 1 had failed.
    let outcome = batch::classify(&keys, vec![refused(), Ok(()), Ok(()), Ok(())], &quick(), now);
    assert_eq!(outcome.sent, [2, 4]);
    assert_eq!(outcome.failures.len(), 1);
    // One that answers for a part only has not confirmed the rest.
    let outcome = batch::classify(&keys, vec![Ok(())], &quick(), now);
    assert_eq!((outcome.sent, outcome.unavailable.is_some()), (vec![1], true));
}

#[test]
fn pauses_grow_to_a_limit_and_end() {
    let options = RelayOptions {
        max_attempts: 12,
        ..RelayOptions::default()
    };
    let now = chassis::clock::Timestamp::from_secs(100);
    let pause = |attempts| {
        let outcome = batch::classify(&[key(1, new_id(), attempts)], vec![refused()], &options, now);
        let failure = &outcome.failures[0];
        (
            failure.next_attempt_at.since(now).as_millis(),
            failure.dead_lettered_at.is_some(),
        )
    };
    assert_eq!(pause(0), (100, false));
    assert_eq!(pause(1), (200, false));
    assert_eq!(pause(10), (60_000, false));
    assert_eq!(pause(11), (60_000, true));
    assert_eq!(pause(i32::MAX), (60_000, true));
}

#[tokio::test]
async fn a_relay_whose_database_refuses_waits_longer_each_time_and_says_so_once() {
    for db in testkit::databases(&[&crate::MIGRATIONS, &THINGS]).await {
        let transport = Recorder::new(|_| Ok(()));
        let relay = Relay::new(db.clone(), outbox(), transport, RelayOptions::default());
        db.close().await;
        // 100, 200 and 400 ms lie between four tries.
        crate::testing::tries_seldom_and_says_so_once(4, Duration::from_millis(700), |end| relay.run(end))
            .await;
    }
}

#[test]
fn a_transport_that_is_away_is_said_once_and_again_when_it_is_back_and_away_anew() {
    let mut refusals = chassis::backoff::Backoff::new("event transport unavailable");
    let keys = [key(1, new_id(), 0)];
    let now = chassis::clock::Timestamp::from_secs(100);
    let away = || vec![Err(PublishError::Unavailable("no broker".to_owned()))];
    for _ in 0..3 {
        let outcome = batch::classify(&keys, away(), &quick(), now);
        assert!(batch::note_availability(&mut refusals, &outcome).is_some());
    }
    // A batch of which nothing was tried says nothing about the transport.
    let outcome = batch::classify(&keys, vec![Err(PublishError::Unsent)], &quick(), now);
    assert_eq!(batch::note_availability(&mut refusals, &outcome), None);
    assert!(refusals.is_failing());
    let outcome = batch::classify(&keys, vec![Ok(())], &quick(), now);
    assert_eq!(batch::note_availability(&mut refusals, &outcome), None);
    assert!(!refusals.is_failing());
}

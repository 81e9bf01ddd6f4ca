//! Tests of retries: what is retried, how often, and when it is dead-lettered.

use super::receiver::status;
use super::*;
use events::testing::{THINGS, new_id};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn a_failing_receiver_is_tried_for_three_days_and_then_given_up(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(503)));
        world.happen(id).await;
        let mut spent = Duration::ZERO;
        let mut last = Duration::ZERO;
        let mut seen = 0;
        while spent < 5 * DAY {
            world.deliver().await;
            if receiver.received().len() > seen {
                (seen, last) = (receiver.received().len(), spent);
            }
            let step = if spent < HOUR { Duration::from_secs(5) } else { HOUR / 4 };
            world.clock.advance(step);
            spent += step;
        }
        assert_eq!(seen, 10);
        assert!((3 * DAY..4 * DAY).contains(&last), "{last:?}");
        let ids: std::collections::HashSet<String> =
            receiver.received().iter().map(|request| request.header("webhook-id").to_owned()).collect();
        assert_eq!(ids.len(), 1, "the same id at every attempt");
        let expected = "the receiver answered 503 Service Unavailable".to_owned();
        assert_eq!(world.log(webhook.id).await, [("dead".to_owned(), 10, Some(503), expected)]);

        // What comes later of the same aggregate goes on without it; a replay begins again.
        receiver.behave(|_| Some(status(204)));
        world.happen(id).await;
        world.deliver().await;
        assert_eq!(receiver.versions(id).last(), Some(&2));
        assert_eq!(world.webhooks.replay_dead(webhook.id).await.unwrap(), 1);
        world.deliver().await;
        assert_eq!(receiver.versions(id).last(), Some(&1));
        assert!(world.log(webhook.id).await.iter().all(|(state, attempts, ..)| state == "delivered" && *attempts == 1));
        assert_eq!(world.webhooks.replay_dead(webhook.id).await.unwrap(), 0);
    }

    async fn a_receiver_that_is_gone_disables_its_webhook(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(410)));
        for _ in 0..3 {
            world.happen(id).await;
        }
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        let stored = world.stored(webhook.id).await;
        assert_eq!((stored.disabled_at, stored.disabled_reason.as_deref()), (Some(BEGINNING), Some("gone")));
        world.clock.advance(DAY);
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1, "it is left alone");
        receiver.behave(|_| Some(status(204)));
        let edit = Edit { enabled: Some(true), ..Edit::default() };
        world.webhooks.change(webhook.id, edit).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1, 2, 3], "nothing was lost");
    }

    async fn a_receiver_that_wants_time_gets_it(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        world.subscribe(&receiver.url).await;
        receiver.behave(|_| {
            let mut answer = status(429);
            answer.headers_mut().insert("retry-after", "600".parse().unwrap());
            Some(answer)
        });
        let (one, other) = (new_id(), new_id());
        world.happen(one).await;
        world.deliver().await;
        receiver.behave(|_| Some(status(204)));
        // Not the event that was turned away, and no other one either.
        world.happen(other).await;
        world.clock.advance(Duration::from_secs(599));
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        world.clock.advance(Duration::from_secs(1));
        world.deliver().await;
        assert_eq!((receiver.versions(one), receiver.versions(other)), (vec![1, 1], vec![1]));
    }

    async fn a_test_is_sent_once_and_never_again(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe_to(&receiver.url, &["vestibule.session.*"]).await.unwrap();
        world.webhooks.test(webhook.id).await.unwrap();
        world.deliver().await;
        let event = receiver.received()[0].json();
        assert_eq!((&event["type"], &event["subject"]), (&TEST_TYPE.into(), &webhook.id.to_string().into()));
        assert_eq!(event["data"]["webhook_id"], webhook.id.to_string());
        receiver.behave(|_| Some(status(500)));
        world.clock.advance(HOUR);
        world.webhooks.test(webhook.id).await.unwrap();
        world.deliver().await;
        world.clock.advance(DAY);
        world.deliver().await;
        assert_eq!(receiver.received().len(), 2);
        assert_eq!(world.log(webhook.id).await[1].0, "dead");
        assert_eq!(world.webhooks.replay_dead(webhook.id).await.unwrap(), 0, "a test is no event");
    }

    async fn one_delivery_can_be_replayed_whatever_became_of_it(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(id).await;
        world.deliver().await;
        let event: Uuid = receiver.received()[0].header("webhook-id").parse().unwrap();
        world.webhooks.replay(webhook.id, event).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1]);
        receiver.behave(|_| Some(status(500)));
        world.happen(id).await;
        world.deliver().await;
        receiver.behave(|_| Some(status(204)));
        let waiting: Uuid = receiver.received()[2].header("webhook-id").parse().unwrap();
        world.webhooks.replay(webhook.id, waiting).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1, 2, 2], "at once, not when its time comes");
        assert!(matches!(world.webhooks.replay(webhook.id, new_id()).await, Err(WebhookError::NotFound)));
    }

    // SB-50
    async fn nothing_waits_for_a_clock_that_has_gone_back(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(503)));
        world.happen(id).await;
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        // Its second attempt is due in five seconds, and then in two days: it comes now.
        world.clock.set(BEGINNING - 2 * DAY);
        world.deliver().await;
        assert_eq!(receiver.received().len(), 2);
        // The third is due in five minutes, which is no sign of a wrong clock, also to a replica that has just started.
        let mut other = replica(&db, &world.clock, Some(cipher("k1")), Arc::new(SystemResolver));
        other.deliver().await;
        assert_eq!(receiver.received().len(), 2);
        world.clock.advance(Duration::from_secs(6 * 60));
        receiver.behave(|_| Some(status(204)));
        other.deliver().await;
        assert_eq!(receiver.received().len(), 3);
        let log = world.log(webhook.id).await;
        assert_eq!(log.len(), 1);
        assert_eq!(log[0].0, "delivered");
    }

    // SB-50
    async fn a_receiver_that_is_left_alone_and_a_claim_do_not_wait_for_a_clock_that_has_gone_back(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(id).await;
        dispatcher::take_in(&world.webhooks, 100).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        store::pause(&mut tx, webhook.id, BEGINNING + 2 * DAY).await.unwrap();
        on_engine!(&mut tx, c => {
            sqlx::query("UPDATE webhook_deliveries SET claimed_until = $1")
                .bind(Timestamp::from_secs(32_503_680_000))
                .execute(c)
                .await
                .unwrap();
        });
        tx.commit().await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1]);
    }
}

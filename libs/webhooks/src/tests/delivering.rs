//! Tests of deliveries: which events, to which webhook, in which order.

use super::receiver::status;
use super::*;
use contract::EventData;
use contract::SubjectErased;
use events::feed;
use events::testing::{THINGS, changed, new_id};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn a_webhook_gets_what_happens_after_it_was_made(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        world.happen(id).await;
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(id).await;
        world.deliver().await;
        let received = receiver.received();
        assert_eq!(receiver.versions(id), [2]);
        let event = received[0].json();
        assert_eq!((&event["type"], &event["source"]), (&SubjectErased::TYPE.into(), &SOURCE.into()));
        assert_eq!(received[0].header("webhook-id"), event["id"].as_str().unwrap());
        let expected = secret::Secret::parse(SECRET).unwrap().sign(
            received[0].header("webhook-id"),
            received[0].header("webhook-timestamp").parse().unwrap(),
            &received[0].body,
        );
        assert_eq!(received[0].header("webhook-signature"), expected);
        // SB-39: a receiver learns no version.
        assert_eq!(received[0].header("user-agent"), "vestibule");
        assert_eq!(world.log(webhook.id).await, [("delivered".to_owned(), 1, Some(204), String::new())]);
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1, "once is enough");
    }

    async fn only_wanted_types_are_delivered(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        world.subscribe_to(&receiver.url, &["vestibule.session.*", "vestibule.client.created.v1"]).await.unwrap();
        world.happen(id).await;
        world.deliver().await;
        assert!(receiver.received().is_empty());
        world.subscribe_to(&receiver.url, &["vestibule.subject.*"]).await.unwrap();
        world.happen(id).await;
        world.deliver().await;
        assert_eq!(receiver.versions(id), [2]);
    }

    async fn what_failed_holds_its_own_aggregate_and_no_other(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let (held, free) = (new_id(), new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(move |request| {
            let fails = request.about() == (held.to_string(), 1);
            Some(status(if fails { 500 } else { 204 }))
        });
        for id in [held, held, free, held, free] {
            world.happen(id).await;
        }
        world.deliver().await;
        assert_eq!((receiver.versions(held), receiver.versions(free)), (vec![1], vec![1, 2]));
        receiver.behave(|_| Some(status(204)));
        world.clock.advance(Duration::from_secs(6));
        world.deliver().await;
        assert_eq!(receiver.versions(held), [1, 1, 2, 3]);
        assert!(world.log(webhook.id).await.iter().all(|(state, ..)| state == "delivered"));
    }

    async fn a_receiver_that_never_answers_delays_no_other(db: TestDb) {
        // Gives up on the slow one long after the other has to have all.
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let patient = (config(), Duration::from_secs(50));
        let world = configured(&db, &clock, Some(cipher("k1")), Arc::new(SystemResolver), patient);
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.behave(|_| None);
        world.subscribe(&slow.url).await;
        world.subscribe(&quick.url).await;
        for _ in 0..200 {
            changed(&db, &world.outbox, new_id()).await;
        }
        publish(&db, world.webhooks.now()).await;
        let shutdown = chassis::shutdown::Shutdown::new();
        let webhooks = world.webhooks.clone();
        shutdown.spawn("webhooks", world.dispatcher.run(shutdown.clone()));
        testkit::within(Duration::from_secs(40), "the quick one has all", async || {
            (quick.received().len() == 200).then_some(())
        })
        .await;
        let most = usize::from(webhooks.shared.config.deliveries_per_webhook.get());
        assert!(slow.received().len() <= most, "the slow one fills its own share");
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let claimed: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(
                "SELECT count(*) FROM webhook_deliveries WHERE claimed_until > 0")
            .fetch_one(c)
            .await
            .unwrap());
        assert_eq!(claimed, 0, "what was under way is handed back");
    }

    async fn what_is_not_delivered_yet_survives_the_outbox(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(500)));
        world.happen(id).await;
        let prune = async || {
            let mut tx = db.begin("test").await.unwrap();
            let gone = feed::prune(&mut tx, Timestamp::from_secs(i64::MAX / 1_000_000), 1000).await.unwrap();
            tx.commit().await.unwrap();
            gone
        };
        assert_eq!(prune().await, 0, "no webhook has looked at it");
        world.deliver().await;
        assert_eq!(prune().await, 1);
        receiver.behave(|_| Some(status(204)));
        world.clock.advance(Duration::from_secs(6));
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1]);
    }

    async fn a_disabled_webhook_goes_on_where_it_was(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        let webhooks = world.webhooks.clone();
        let enable = async |enabled| {
            let edit = Edit { enabled: Some(enabled), ..Edit::default() };
            webhooks.change(webhook.id, edit).await.unwrap()
        };
        assert_eq!(enable(false).await.disabled_reason.as_deref(), Some("operator"));
        changed(&db, &world.outbox, id).await;
        publish(&db, BEGINNING).await;
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(feed::prune(&mut tx, BEGINNING + DAY, 1000).await.unwrap(), 1, "it keeps nothing from being forgotten");
        tx.rollback().await.unwrap();
        world.deliver().await;
        assert!(world.log(webhook.id).await.is_empty());
        assert_eq!(enable(true).await.disabled_at, None);
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1]);
    }

    async fn the_log_is_forgotten_in_time(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(id).await;
        world.deliver().await;
        world.clock.advance(RETENTION);
        housekeeping::tidy(&world.webhooks).await.unwrap();
        assert_eq!(world.log(webhook.id).await.len(), 1);
        world.clock.advance(Duration::from_secs(1));
        housekeeping::tidy(&world.webhooks).await.unwrap();
        assert_eq!(world.log(webhook.id).await.len(), 0);
    }

    async fn the_log_is_forgotten_a_little_at_a_time(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        for _ in 0..5 {
            world.happen(new_id()).await;
        }
        world.deliver().await;
        for (left, more) in [(3, true), (1, true), (0, false)] {
            let mut tx = db.begin("test").await.unwrap();
            assert_eq!(log::prune(&mut tx, BEGINNING + HOUR, 2).await.unwrap(), more);
            tx.commit().await.unwrap();
            assert_eq!(world.log(webhook.id).await.len(), left);
        }
    }

    async fn a_removed_webhook_gets_nothing_more(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(500)));
        world.happen(id).await;
        world.deliver().await;
        world.webhooks.delete(webhook.id).await.unwrap();
        world.clock.advance(DAY);
        world.happen(id).await;
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        assert!(world.log(webhook.id).await.is_empty());
        assert!(matches!(world.webhooks.delete(webhook.id).await, Err(WebhookError::NotFound)));
    }
}

//! Tests of fairness: a slow receiver delays no other.

use std::num::NonZeroU16;

use super::*;
use events::testing::{THINGS, changed, new_id};

/// Publishes so many events of as many things.
async fn backlog(world: &World, events: usize) {
    let db = &world.webhooks.shared.db;
    for _ in 0..events {
        changed(db, &world.outbox, new_id()).await;
    }
    publish(db, world.webhooks.now()).await;
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn deliveries_go_on_while_a_long_backlog_is_taken_in(db: TestDb) {
        let (mut world, behind, other) = (World::on(&db), Receiver::start().await, Receiver::start().await);
        world.subscribe(&behind.url).await;
        backlog(&world, 400).await;
        world.subscribe(&other.url).await;
        backlog(&world, 40).await;
        let each = usize::from(world.webhooks.shared.config.deliveries_per_webhook.get());
        let dispatcher = &mut world.dispatcher;
        testkit::eventually("both get more than what is under way at a time", async || {
            assert!(dispatcher.turn_of(1).await, "the backlog has an end before that");
            (behind.received().len() > each && other.received().len() > each).then_some(())
        })
        .await;
    }

    async fn room_goes_to_whoever_waited_longest(db: TestDb) {
        let number = |number: u16| NonZeroU16::new(number).unwrap();
        let few = WebhooksConfig { deliveries: number(2), deliveries_per_webhook: number(2), ..config() };
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let resolver = Arc::new(SystemResolver);
        let mut world = configured(&db, &clock, Some(cipher("k1")), resolver, (few, Duration::from_secs(5)));
        let mut receivers = Vec::new();
        for _ in 0..3 {
            let receiver = Receiver::start().await;
            world.subscribe(&receiver.url).await;
            receivers.push(receiver);
        }
        backlog(&world, 30).await;
        let dispatcher = &mut world.dispatcher;
        let counts = testkit::eventually("some are delivered", async || {
            dispatcher.turn_of(100).await;
            let counts: Vec<usize> = receivers.iter().map(|receiver| receiver.received().len()).collect();
            (counts.iter().sum::<usize>() >= 18).then_some(counts)
        })
        .await;
        assert!(counts.iter().all(|count| *count >= 4), "{counts:?}");
    }

    async fn a_receiver_that_lets_everybody_wait_is_left_alone_for_a_minute(db: TestDb) {
        let (clock, receiver) = (Arc::new(ManualClock::new(BEGINNING)), Receiver::start().await);
        let resolver = Arc::new(SystemResolver);
        let soon = (config(), Duration::from_millis(200));
        let mut world = configured(&db, &clock, Some(cipher("k1")), resolver, soon);
        receiver.behave(|_| None);
        let webhook = world.subscribe(&receiver.url).await;
        backlog(&world, health::PATIENCE as usize).await;
        world.deliver().await;
        assert!(world.log(webhook.id).await.iter().all(|(_, attempts, ..)| *attempts == 1));
        backlog(&world, 1).await;
        world.deliver().await;
        assert_eq!(world.log(webhook.id).await.last().unwrap().1, 0);
        world.clock.advance(Duration::from_secs(60));
        world.deliver().await;
        assert_eq!(world.log(webhook.id).await.last().unwrap().1, 1);
    }

    async fn what_waits_behind_a_failed_event_is_not_looked_at(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(receiver::status(500)));
        world.happen(id).await;
        world.happen(id).await;
        world.deliver().await;
        world.happen(id).await;
        dispatcher::take_in(&world.webhooks, 100).await.unwrap();
        let work = async || {
            let mut reader = db.reader().await.unwrap();
            let held = chassis::db::clock(&mut reader).await.unwrap();
            queue::with_work(&mut reader, world.webhooks.now(), held).await.unwrap()
        };
        assert!(work().await.is_empty());
        receiver.behave(|_| Some(receiver::status(204)));
        let first: Uuid = receiver.received()[0].header("webhook-id").parse().unwrap();
        world.webhooks.replay(webhook.id, first).await.unwrap();
        assert_eq!(work().await, [webhook.id]);
        world.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1, 2, 3], "they wait for it and no longer");
    }
}

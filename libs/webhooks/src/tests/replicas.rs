//! Several dispatchers, and those that do not come to their end.

use chassis::shutdown::Shutdown;

use super::super::dispatcher::DispatcherOptions;
use super::*;
use events::testing::{THINGS, changed, new_id};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn replicas_deliver_once_and_in_order(db: TestDb) {
        let (first, receiver) = (World::on(&db), Receiver::start().await);
        let second = replica(&db.another().await, &first.clock, Some(cipher("k1")), Arc::new(SystemResolver));
        first.subscribe(&receiver.url).await;
        let ids: Vec<Uuid> = (0..20).map(|_| new_id()).collect();
        let shutdown = Shutdown::new();
        let outbox = first.outbox.clone();
        for world in [first, second] {
            shutdown.spawn("webhooks", world.dispatcher.run(shutdown.clone()));
        }
        for _ in 0..10 {
            for id in &ids {
                changed(&db, &outbox, *id).await;
            }
            publish(&db, BEGINNING).await;
        }
        testkit::eventually("all are delivered", async || (receiver.received().len() >= 200).then_some(())).await;
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        assert_eq!(receiver.received().len(), 200);
        for id in ids {
            assert_eq!(receiver.versions(id), (1..=10).collect::<Vec<i64>>());
        }
    }

    async fn a_replica_that_ends_before_it_writes_down_is_repeated_by_another(db: TestDb) {
        let (world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(id).await;
        world.happen(id).await;
        dispatcher::take_in(&world.webhooks, 100).await.unwrap();
        let lost = dispatcher::claim_one(&world.webhooks, webhook.id).await.unwrap();
        let outcome = lost.attempt().await.unwrap();
        assert_eq!(receiver.received().len(), 1, "delivered, and nobody knows");

        let mut other = replica(&db, &world.clock, Some(cipher("k1")), Arc::new(SystemResolver));
        other.deliver().await;
        assert_eq!(receiver.received().len(), 1, "it belongs to the first replica for the length of a lease");
        world.age_claims(DispatcherOptions::default().lease).await;
        other.deliver().await;
        assert_eq!(receiver.versions(id), [1, 1, 2]);
        let received = receiver.received();
        assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
        assert_eq!(received[0].body, received[1].body);

        // The first one comes back: what it knows counts no more.
        let before = world.log(webhook.id).await;
        lost.record(&outcome).await.unwrap();
        assert_eq!(world.log(webhook.id).await, before);
    }

    async fn a_replica_whose_clock_is_ahead_takes_nothing_from_others(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(new_id()).await;
        dispatcher::take_in(&world.webhooks, 100).await.unwrap();
        let claimed = dispatcher::claim_one(&world.webhooks, webhook.id).await.unwrap();
        let ahead = Arc::new(ManualClock::new(BEGINNING + 5 * DispatcherOptions::default().lease));
        let mut other = replica(&db, &ahead, Some(cipher("k1")), Arc::new(SystemResolver));
        other.deliver().await;
        assert!(receiver.received().is_empty(), "the first replica has it");
        claimed.run().await;
        assert_eq!(receiver.received().len(), 1);
        assert_eq!(world.log(webhook.id).await[0].0, "delivered");
    }

    async fn the_feed_is_taken_in_once(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        for _ in 0..25 {
            world.happen(new_id()).await;
        }
        let second = replica(&db.another().await, &world.clock, Some(cipher("k1")), Arc::new(SystemResolver));
        let all = async |webhooks: &Webhooks| while dispatcher::take_in(webhooks, 3).await.unwrap() {};
        tokio::join!(all(&world.webhooks), all(&second.webhooks));
        all(&world.webhooks).await;
        assert_eq!(world.log(webhook.id).await.len(), 25);
        let mut reader = db.reader().await.unwrap();
        assert!(queue::behind(&mut reader).await.unwrap().is_empty());
    }
}

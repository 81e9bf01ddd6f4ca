//! Tests of faults on our side, and of changes while a delivery is under way.

use super::receiver::status;
use super::*;
use events::testing::{THINGS, new_id};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn a_type_that_is_added_while_events_are_taken_in_is_delivered(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe_to(&receiver.url, &["vestibule.session.*"]).await.unwrap();
        world.happen(id).await;
        let mut reader = db.reader().await.unwrap();
        let before = queue::behind(&mut reader).await.unwrap().pop().unwrap();
        drop(reader);
        let edit = Edit { types: Some(vec!["*".to_owned()]), ..Edit::default() };
        world.webhooks.change(webhook.id, edit).await.unwrap();
        world.happen(id).await;
        dispatcher::take_in_for(&world.webhooks, &before, 100).await.unwrap();
        world.deliver().await;
        assert_eq!(receiver.versions(id).last(), Some(&2));
    }

    async fn a_key_that_is_missing_here_costs_no_attempt(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        let keyless = Some(cipher_with("k2", &["k2"]));
        let mut keyless = replica(&db, &world.clock, keyless, Arc::new(SystemResolver));
        world.happen(new_id()).await;
        keyless.deliver().await;
        assert_eq!(world.log(webhook.id).await, [("pending".to_owned(), 0, None, String::new())]);
        // It keeps away from what is left, and another replica does it.
        world.happen(new_id()).await;
        keyless.deliver().await;
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        world.clock.advance(Duration::from_secs(60));
        world.deliver().await;
        let log = world.log(webhook.id).await;
        assert!(log.iter().all(|(state, attempts, ..)| state == "delivered" && *attempts == 1), "{log:?}");
    }

    async fn nothing_is_sent_any_more_to_whom_was_disabled_or_paused_meanwhile(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(new_id()).await;
        dispatcher::take_in(&world.webhooks, 100).await.unwrap();
        let enable = async |enabled| {
            let edit = Edit { enabled: Some(enabled), ..Edit::default() };
            world.webhooks.change(webhook.id, edit).await.unwrap()
        };
        enable(false).await;
        assert!(dispatcher::claim_one(&world.webhooks, webhook.id).await.is_none());
        enable(true).await;
        let mut tx = db.begin("test").await.unwrap();
        store::pause(&mut tx, webhook.id, BEGINNING + HOUR).await.unwrap();
        tx.commit().await.unwrap();
        assert!(dispatcher::claim_one(&world.webhooks, webhook.id).await.is_none());
        world.clock.advance(HOUR);
        assert!(dispatcher::claim_one(&world.webhooks, webhook.id).await.is_some());
    }

    async fn to_be_gone_costs_no_attempt_and_ends_a_test(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| Some(status(410)));
        world.happen(new_id()).await;
        world.deliver().await;
        let gone = |state: &str, attempts| (state.to_owned(), attempts, Some(410), "the receiver is gone".to_owned());
        assert_eq!(world.log(webhook.id).await, [gone("pending", 0)]);
        let other = world.subscribe_to(&receiver.url, &["vestibule.session.*"]).await.unwrap();
        world.webhooks.test(other.id).await.unwrap();
        world.deliver().await;
        assert_eq!(world.log(other.id).await, [gone("dead", 1)]);
        assert!(world.stored(other.id).await.disabled_at.is_some());
    }
}

// SB-36
#[test]
fn a_wish_does_not_show_its_secret() {
    let new = NewWebhook {
        url: String::new(),
        types: Vec::new(),
        description: String::new(),
        secret: Some(SecretString::from(SECRET)),
    };
    assert!(!format!("{new:?}").contains("whsec_"));
}

#[tokio::test]
async fn webhooks_whose_database_refuses_wait_longer_each_time_and_say_so_once() {
    for db in testkit::databases(&[&events::MIGRATIONS, &events::testing::THINGS]).await {
        let world = World::on(&db);
        db.close().await;
        // 100, 200 and 400 ms lie between four tries.
        let pauses = Duration::from_millis(700);
        events::testing::tries_seldom_and_says_so_once(4, pauses, |end| world.dispatcher.run(end)).await;
    }
}

//! Tests of a target that fails, and of a replica that does.

use super::*;
use http::Method;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_lost_answer_makes_no_second_account(db: TestDb) {
        let mut world = World::on(&db).await;
        world.target(everybody()).await;
        world.application.behave(|method, _, _| (method == Method::POST).then_some(Fault::Afterwards(500)));
        world.town.add("ann").await;
        world.push().await;
        world.application.behave(|_, _, _| None);
        world.push_later(5).await;
        assert_eq!(world.application.all("Users").len(), 1);
        assert_eq!(world.application.writes(), ["POST Users"], "the account was found");
    }

    async fn somebody_who_leaves_after_a_lost_answer_leaves_no_account(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.application.behave(|method, _, _| (method == Method::POST).then_some(Fault::Afterwards(500)));
        let ann = world.town.add("ann").await;
        world.push().await;
        world.application.behave(|_, _, _| None);
        world.town.remove(ann).await;
        world.push().await;
        assert!(world.application.all("Users").is_empty());
        assert_eq!(world.counts(target).await, counts(0, 0, 0));
    }

    async fn one_user_that_is_refused_holds_nobody_else_and_is_given_up(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let bad = |body: &Value| body["userName"] == "bad";
        world.application.behave(move |_, _, body| bad(body).then_some(Fault::Status(400, None)));
        let (bad, good) = (world.town.add("bad").await, world.town.add("good").await);
        world.push().await;
        assert_eq!(world.state(target, good).await.unwrap()["state"], "in_step");
        for _ in 0..3 {
            world.push_later(120).await;
        }
        let state = world.state(target, bad).await.unwrap();
        assert_eq!((&state["state"], &state["attempts"], &state["last_status"]), (&json!("dead"), &json!(4), &json!(400)));
        world.push_later(100_000).await;
        world.application.behave(|_, _, _| None);
        assert_eq!(world.provisioning.retry_dead(target).await.unwrap(), 1);
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 2, 0));
    }

    async fn a_change_gives_what_was_given_up_another_try(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.application.behave(|_, _, body| (body["userName"] == "bad").then_some(Fault::Status(400, None)));
        let user = world.town.add("bad").await;
        for _ in 0..4 {
            world.push_later(120).await;
        }
        assert_eq!(world.counts(target).await, counts(0, 0, 1));
        world.town.set(user, "userName", json!("better")).await;
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    async fn a_target_that_is_down_is_left_alone_and_nothing_is_given_up(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        world.application.behave(|_, _, _| Some(Fault::Status(503, Some(60))));
        for number in 0..20 {
            world.town.add(&format!("user-{number}")).await;
        }
        world.push().await;
        assert!(world.application.requests().len() <= 10, "after the first failures nobody asks");
        for _ in 0..50 {
            world.push_later(3600).await;
        }
        let stored = world.stored(target).await;
        assert!(stored.failures >= 10 && stored.last_error.unwrap().contains("503"), "{}", stored.failures);
        assert_eq!(world.counts(target).await, counts(20, 0, 0));
        world.application.behave(|_, _, _| None);
        world.push_later(3600).await;
        assert_eq!(world.counts(target).await, counts(0, 20, 0));
        assert_eq!(world.stored(target).await.failures, 0);
    }

    async fn a_target_waits_as_long_as_it_asks(db: TestDb) {
        let mut world = World::on(&db).await;
        world.target(everybody()).await;
        world.push().await;
        world.application.behave(|method, _, _| (method == Method::POST).then_some(Fault::Status(429, Some(100))));
        world.town.add("ann").await;
        world.push().await;
        world.application.behave(|_, _, _| None);
        world.push_later(95).await;
        assert!(world.application.user("ann").is_none());
        world.push_later(20).await;
        assert!(world.application.user("ann").is_some());
    }

    async fn a_target_that_refuses_the_credentials_is_paused_until_it_has_others(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        "another token".clone_into(&mut world.application.token.lock().unwrap());
        for name in ["ann", "bob"] {
            world.town.add(name).await;
        }
        world.push().await;
        let stored = world.stored(target).await;
        assert_eq!(stored.paused_reason.as_deref(), Some("unauthorized"));
        world.application.requests();
        world.push_later(100_000).await;
        assert_eq!(world.application.requests(), []);
        let edit = Edit { credentials: Some(bearer("another token")), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 2, 0));
    }

    async fn silence_is_an_attempt(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        world.application.behave(|method, _, _| (method == Method::POST).then_some(Fault::Silence));
        let ann = world.town.add("ann").await;
        world.push().await;
        let state = world.state(target, ann).await.unwrap();
        assert_eq!((&state["attempts"], &state["last_error"]), (&json!(1), &json!("no answer in time")));
        world.application.behave(|_, _, _| None);
        world.push_later(5).await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    async fn a_target_that_missed_events_is_compared_with_the_directory(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let gone = world.town.add("gone").await;
        world.push().await;
        world.town.remove(gone).await;
        world.town.add("ann").await;
        let mut tx = db.begin("test").await.unwrap();
        events::feed::prune(&mut tx, BEGINNING + Duration::from_secs(1), 1_000).await.unwrap();
        tx.commit().await.unwrap();
        world.push().await;
        assert!(world.application.user("ann").is_some());
        assert!(world.application.user("gone").is_none());
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    async fn an_endpoint_that_is_away_for_a_while_keeps_deletions_and_deactivations(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let (ann, bob) = (world.town.add("ann").await, world.town.add("bob").await);
        world.push().await;
        // A proxy that has lost its route.
        world.application.behave(|_, _, _| Some(Fault::Status(404, None)));
        world.town.remove(ann).await;
        world.town.edit(bob, |user| user.deleted = true).await;
        for _ in 0..8 {
            world.push_later(400).await;
        }
        assert_eq!(world.counts(target).await, counts(2, 0, 0));
        world.application.behave(|_, _, _| None);
        world.push_later(400).await;
        assert!(world.application.user("ann").is_none());
        assert_eq!(world.application.user("bob").unwrap()["active"], false);
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    // SB-32
    async fn a_long_answer_is_not_read_and_what_was_written_counts(db: TestDb) {
        const LONG: usize = 9 * 1024 * 1024;
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.application.behave(|method, _, _| (*method == Method::PATCH).then_some(Fault::Large(200, LONG)));
        world.town.set(ann, "title", json!("Boss")).await;
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
        // A target that passes filters over.
        world.application.behave(|_, path, query| (path == "Users" && query.get("filter").is_some()).then_some(Fault::Large(200, 1024 * 1025)));
        let bob = world.town.add("bob").await;
        world.push().await;
        let state = world.state(target, bob).await.unwrap();
        assert_eq!(state["last_error"], "the answer has more than 1048576 bytes");
        world.application.behave(|_, path, _| (path == "Users").then_some(Fault::Large(500, LONG)));
        world.push_later(10).await;
        let state = world.state(target, bob).await.unwrap();
        assert_eq!(state["last_error"], "the target answered 500 Internal Server Error");
    }

    async fn the_search_for_a_user_reads_an_account_with_much_in_it(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        world.application.behave(|method, _, _| (method == Method::POST).then_some(Fault::Afterwards(500)));
        world.town.add("ann").await;
        world.push().await;
        assert_eq!(world.counts(target).await, counts(1, 0, 0));
        world.application.behave(|_, _, _| None);
        let id = world.application.user("ann").unwrap()["id"].as_str().unwrap().to_owned();
        world.application.set("Users", &id, "photos", json!([{ "value": "x".repeat(500_000) }]));
        world.push_later(5).await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
        assert_eq!(world.application.all("Users").len(), 1);
    }

    // SB-44, SB-45
    async fn a_target_that_does_not_answer_holds_no_other(db: TestDb) {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let outbox = Outbox::new(SOURCE, clock.clone(), random());
        let town = Town::new(&db, &outbox);
        let silent = Application::start().await;
        let mut world = World::patient_replica(&db, &clock, town, silent.clone(), ("k1", Duration::from_secs(30)));
        for number in 1..=5 {
            world.town.name_group(Uuid::from_u128(number), &format!("group-{number}")).await;
        }
        let first = world.target(json!({ "groups": { "push": "all" } })).await.id;
        let other = Application::start().await;
        let spec = TargetSpec {
            name: "other".to_owned(),
            base_url: other.url.clone(),
            credentials: bearer("open sesame"),
            rules: Rules::default(),
            enabled: true,
        };
        let second = world.provisioning.create(spec).await.unwrap().id;
        world.town.add("ann").await;
        world.dispatcher.take_in().await;
        silent.behave(|_, path, _| (path == "Groups").then_some(Fault::Silence));
        let mut hanging = tokio::task::JoinSet::new();
        for _ in 0..6 {
            hanging.spawn(world.dispatcher.claim_one(first).await.unwrap().run());
        }
        let asks = async || {
            let all = silent.count_requests("Groups");
            (all >= 4).then_some(())
        };
        testkit::eventually("the groups are asked for", asks).await;
        let job = world.dispatcher.claim_one(second).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), job.run()).await.expect("the push waits for nobody");
        assert!(other.user("ann").is_some());
        hanging.abort_all();
    }

    async fn a_resource_that_is_distrusted_during_a_push_is_asked_for(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.town.set(ann, "title", json!("one")).await;
        world.dispatcher.take_in().await;
        let job = world.dispatcher.claim_one(target).await.unwrap();
        world.provisioning.retry(target, ann).await.unwrap();
        job.run().await;
        let id = world.application.user("ann").unwrap()["id"].as_str().unwrap().to_owned();
        world.application.set("Users", &id, "title", json!("other"));
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["title"], "one");
    }

    async fn a_push_asks_nothing_after_its_time(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.dispatcher.take_in().await;
        let mut job = world.dispatcher.claim_one(target).await.unwrap();
        job.claimed -= Duration::from_secs(101);
        job.run().await;
        assert_eq!(world.application.requests(), []);
        assert_eq!(world.state(target, ann).await.unwrap()["last_error"], "no answer in time");
    }

    async fn a_push_that_the_database_fails_waits_a_minute(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.dispatcher.take_in().await;
        let job = world.dispatcher.claim_one(target).await.unwrap();
        world.town.fail(true);
        job.run().await;
        world.town.fail(false);
        assert_eq!(world.state(target, ann).await.unwrap()["attempts"], 0);
        world.push_later(50).await;
        assert!(world.application.user("ann").is_none());
        world.push_later(20).await;
        assert!(world.application.user("ann").is_some());
    }

    async fn a_change_during_a_push_is_pushed_afterwards(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.town.set(ann, "title", json!("one")).await;
        let dispatcher = &world.dispatcher;
        let job = {
            // Marked, then claimed; the next change comes before the push ends.
            let mut other = World::replica(&db, &world.clock, world.town.clone(), world.application.clone(), "k1");
            other.dispatcher.take_in().await;
            dispatcher.claim_one(target).await.unwrap()
        };
        world.town.set(ann, "title", json!("two")).await;
        world.dispatcher.take_in().await;
        job.run().await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["title"], "two");
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }
}

//! Several replicas, and one that dies.

use chassis::shutdown::Shutdown;

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn replicas_share_the_pushes_and_create_nobody_twice(db: TestDb) {
        let mut first = World::on(&db).await;
        let other = db.another().await;
        let mut second = World::replica(&other, &first.clock, first.town.clone(), first.application.clone(), "k1");
        // What each does at its start is done.
        first.push().await;
        second.push().await;
        let target = first.target(json!({ "groups": { "push": "all" } })).await.id;
        let (town, application, provisioning) =
            (first.town.clone(), first.application.clone(), first.provisioning.clone());
        let team = Uuid::from_u128(1);
        town.name_group(team, "team").await;
        let shutdown = Shutdown::new();
        for world in [first, second] {
            shutdown.spawn("provisioning", world.dispatcher.run(shutdown.clone()));
        }
        for number in 0..30 {
            let id = town.add(&format!("user-{number:03}")).await;
            town.edit(id, |user| user.groups = vec![team]).await;
            town.set(id, "title", json!(number)).await;
        }
        testkit::eventually("all are pushed", async || {
            let mut reader = provisioning.shared.db.reader().await.unwrap();
            let found = figures::counts(&mut reader, target).await.unwrap();
            (found == counts(0, 31, 0)).then_some(())
        })
        .await;
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        assert_eq!(application.all("Users").len(), 30);
        assert_eq!(application.members("team").len(), 30);
        let created = application.writes().into_iter().filter(|write| write == "POST Users").count();
        assert_eq!(created, 30);
    }

    async fn a_replica_that_dies_in_a_push_is_repeated_by_another(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        let ann = world.town.add("ann").await;
        world.dispatcher.take_in().await;
        let job = world.dispatcher.claim_one(target).await.unwrap();
        // The account was created, and the replica is no more.
        world.application.add("Users", json!({ "userName": "ann", "externalId": ann.to_string(), "active": true }));
        world.push().await;
        assert_eq!(world.state(target, ann).await.unwrap()["state"], "waiting", "its lease lasts");
        world.end_leases().await;
        world.push().await;
        assert_eq!(world.application.all("Users").len(), 1);
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
        // It was alive after all: what it writes down changes nothing.
        world.town.set(ann, "title", json!("Boss")).await;
        world.push().await;
        job.run().await;
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
        assert_eq!(world.application.user("ann").unwrap()["title"], "Boss");
    }
}

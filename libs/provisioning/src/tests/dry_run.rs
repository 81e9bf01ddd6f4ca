//! Tests of dry runs.

use super::*;

async fn planned(world: &World, target: Uuid, rules: Option<Value>) -> Vec<(Uuid, &'static str)> {
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let rules = rules.clone().map(|rules| serde_json::from_value(rules).unwrap());
        let page = world
            .provisioning
            .dry_run(target, rules, after.as_deref(), 2)
            .await
            .unwrap();
        found.extend(
            page.pushes
                .into_iter()
                .map(|push| (push.resource_id, push.action)),
        );
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_dry_run_says_what_would_be_pushed_and_writes_nothing(db: TestDb) {
        let mut world = World::on(&db).await;
        let (ann, bob) = (world.town.add("ann").await, world.town.add("bob").await);
        world.application.add("Users", json!({ "userName": "bob" }));
        let target = world.target(everybody()).await.id;
        assert_eq!(planned(&world, target, None).await, [(ann, "create"), (bob, "fail")]);
        let adopting = json!({ "adopt": "by_user_name" });
        assert_eq!(planned(&world, target, Some(adopting.clone())).await, [(ann, "create"), (bob, "adopt")]);
        assert!(world.application.writes().is_empty());
        assert_eq!(world.counts(target).await, counts(0, 0, 0));
        let edit = Edit { rules: Some(serde_json::from_value(adopting).unwrap()), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        world.push().await;
        assert!(planned(&world, target, None).await.is_empty());
        world.town.edit(ann, |user| user.active = false).await;
        world.town.remove(bob).await;
        world.application.requests();
        assert_eq!(planned(&world, target, None).await, [(ann, "change"), (bob, "delete")]);
        let team = Uuid::from_u128(1);
        world.town.name_group(team, "team").await;
        let other = json!({ "people": { "filter": "members", "groups": [team] }, "groups": { "push": "all" }, "when_deleted": "deactivate" });
        let expected = [(team, "create"), (ann, "deactivate"), (bob, "deactivate")];
        assert_eq!(planned(&world, target, Some(other)).await, expected);
        assert!(world.application.writes().is_empty());
        assert!(world.provisioning.dry_run(target, None, Some("nothing"), 1).await.is_err());
    }
}

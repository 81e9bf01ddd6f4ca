//! Tests of the life of a user at a target.

use super::*;
use http::Method;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_user_is_created_changed_deactivated_and_deleted(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        let there = world.application.user("ann").unwrap();
        assert_eq!((&there["externalId"], &there["active"]), (&json!(ann.to_string()), &json!(true)));
        assert_eq!(there.get("meta").or(there.get("groups")), None);
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
        let accounts = crate::accounts_of(&mut db.reader().await.unwrap(), ann).await.unwrap();
        let [account] = &accounts[..] else { panic!("{accounts:?}") };
        assert_eq!((account.remote_id.as_deref(), account.state.as_str()), (there["id"].as_str(), "in_step"));

        world.town.set(ann, "title", json!("Boss")).await;
        world.application.requests();
        world.push().await;
        let patch = world.application.requests().pop().unwrap();
        assert_eq!((patch.0, &patch.2["Operations"]), (Method::PATCH, &json!([
            { "op": "replace", "path": "title", "value": "Boss" }
        ])));
        world.town.edit(ann, |user| { user.resource.remove("title"); }).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap().get("title"), None);

        world.town.edit(ann, |user| user.active = false).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], false);
        world.town.edit(ann, |user| user.active = true).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], true);
        world.town.remove(ann).await;
        world.push().await;
        assert!(world.application.all("Users").is_empty());
        assert_eq!(world.counts(target).await, counts(0, 0, 0));
    }

    async fn what_is_there_before_the_target_is_pushed_and_what_did_not_change_is_not(db: TestDb) {
        let mut world = World::on(&db).await;
        for number in 0..8 {
            world.town.add(&format!("user-{number}")).await;
        }
        let sleeper = world.town.add("sleeper").await;
        world.town.edit(sleeper, |user| user.active = false).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        assert_eq!(world.application.all("Users").len(), 8, "nobody is created who may not sign in");
        assert_eq!(world.counts(target).await, counts(0, 8, 0));
        world.application.requests();
        world.provisioning.sync(target, false).await.unwrap();
        world.push().await;
        assert_eq!(world.application.requests(), []);
        world.provisioning.sync(target, true).await.unwrap();
        world.push().await;
        let requests = world.application.requests();
        assert!(requests.len() == 8 && requests.iter().all(|(method, ..)| method == Method::GET));
    }

    async fn a_name_that_moves_to_another_user_never_moves_the_account(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let first = world.town.add("ann").await;
        world.push().await;
        // The rename fails for now, while somebody new has the name here.
        world.application.behave(|method, _, _| (method == Method::PATCH).then_some(Fault::Status(500, None)));
        world.town.set(first, "userName", json!("anna")).await;
        let second = world.town.add("ann").await;
        world.push().await;
        let state = world.state(target, second).await.unwrap();
        assert!(state["last_error"].as_str().unwrap().contains(&first.to_string()), "{state}");
        world.application.behave(|_, _, _| None);
        world.push_later(20).await;
        world.push_later(20).await;
        let id_of = |name: &str| world.application.user(name).unwrap()["externalId"].clone();
        assert_eq!((id_of("anna"), id_of("ann")), (json!(first.to_string()), json!(second.to_string())));
    }

    async fn somebody_who_leaves_the_groups_is_deactivated_and_comes_back(db: TestDb) {
        let mut world = World::on(&db).await;
        let [team, unit] = [1, 2].map(Uuid::from_u128);
        world.town.name_group(unit, "unit").await;
        world.town.name_group(team, "team").await;
        let (ann, bob) = (world.town.add("ann").await, world.town.add("bob").await);
        world.town.edit(ann, |user| user.groups = vec![team]).await;
        let rules = json!({ "people": { "filter": "members", "groups": [unit] } });
        let target = world.target(rules).await.id;
        world.push().await;
        assert!(world.application.all("Users").is_empty());
        assert_eq!(world.state(target, bob).await, None, "nobody is followed who is not pushed");
        // The event is of the group alone.
        world.town.nest(team, unit, true).await;
        world.push().await;
        assert!(world.application.user("ann").is_some());
        world.town.nest(team, unit, false).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], false);
        world.town.edit(ann, |user| user.groups = vec![unit]).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], true);
        let delete = json!({ "people": { "filter": "members", "groups": [unit] }, "when_out_of_scope": "delete" });
        let edit = Edit { rules: Some(serde_json::from_value(delete).unwrap()), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        world.town.edit(ann, |user| user.groups.clear()).await;
        world.push().await;
        assert!(world.application.all("Users").is_empty());
    }

    async fn a_deleted_user_may_be_kept_inactive(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(json!({ "when_deleted": "deactivate" })).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.town.remove(ann).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], false);
        assert_eq!(world.counts(target).await, counts(0, 1, 0));
    }

    async fn a_deletion_that_can_be_undone_deactivates(db: TestDb) {
        let mut world = World::on(&db).await;
        world.target(everybody()).await;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.town.edit(ann, |user| user.deleted = true).await;
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["active"], false);
        world.town.remove(ann).await;
        world.push().await;
        assert!(world.application.all("Users").is_empty());
    }

    async fn other_rules_are_applied_to_everybody(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.town.add("ann").await;
        world.push().await;
        let rules = json!({ "mapping": [
            { "attribute": "userName", "from": "userName" },
            { "attribute": "title", "template": "{name.givenName} of Vestibule" },
        ] });
        let edit = Edit { rules: Some(serde_json::from_value(rules).unwrap()), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        world.push().await;
        assert_eq!(world.application.user("ann").unwrap()["title"], "ann of Vestibule");
    }

    async fn a_target_without_patch_is_sent_whole_resources(db: TestDb) {
        let mut world = World::on(&db).await;
        world.application.without_patch();
        world.target(everybody()).await;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.application.requests();
        world.town.set(ann, "title", json!("Boss")).await;
        world.push().await;
        assert_eq!(world.application.writes(), ["PUT Users"]);
        assert_eq!(world.application.user("ann").unwrap()["title"], "Boss");
    }

    async fn an_account_that_was_deleted_at_the_target_is_created_once_more(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let ann = world.town.add("ann").await;
        world.push().await;
        world.application.clear("Users");
        world.provisioning.retry(target, ann).await.unwrap();
        world.push().await;
        assert!(world.application.user("ann").is_some());
    }
}

//! Tests of the question whose a resource at the target is: what is adopted, what is recognised, and what is left alone.

use super::*;
use http::Method;

const TEAM: Uuid = Uuid::from_u128(1);

impl World {
    /// The id of a user at the application.
    fn id_there(&self, name: &str) -> String {
        let user = self.application.user(name).unwrap();
        user["id"].as_str().unwrap().to_owned()
    }

    /// Has another account at the application under the id of a user, as after it was set up anew.
    fn replace_account(&self, name: &str, other: &str, external_id: Value) {
        let id = self.id_there(name);
        self.application.set("Users", &id, "userName", json!(other));
        self.application.set("Users", &id, "externalId", external_id);
    }

    async fn change_rules(&self, target: Uuid, rules: Value) {
        let rules = Some(serde_json::from_value(rules).unwrap());
        let edit = Edit {
            rules,
            ..Edit::default()
        };
        self.provisioning.change(target, edit).await.unwrap();
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn an_account_that_was_not_pushed_from_here_is_adopted_only_if_the_rules_say_so(db: TestDb) {
        let mut world = World::on(&db).await;
        let there = json!({ "userName": "ann", "externalId": "staff-7", "active": false, "shoeSize": 38 });
        let id = world.application.add("Users", there.clone());
        world.application.add("Groups", json!({ "displayName": "team" }));
        world.town.name_group(TEAM, "team").await;
        let ann = world.town.add("ann").await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        for _ in 0..4 {
            world.push_later(120).await;
        }
        assert_eq!(world.counts(target).await, counts(0, 0, 2));
        for (resource, expected) in [(ann, "an account with this name"), (TEAM, "a group with this name")] {
            let state = world.state(target, resource).await.unwrap();
            let error = state["last_error"].as_str().unwrap();
            assert!(error.starts_with(expected) && error.contains("not managed from here"), "{state}");
            assert_eq!(state.get("remote_id"), None);
        }
        assert!(world.application.writes().is_empty());
        assert_eq!(world.application.user("ann").unwrap()["externalId"], "staff-7");

        world.change_rules(target, json!({ "groups": { "push": "all" }, "adopt": "by_user_name" })).await;
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 2, 0));
        let there = world.application.user("ann").unwrap();
        assert_eq!((&there["id"], &there["externalId"]), (&json!(id), &json!(ann.to_string())));
        assert_eq!((&there["active"], &there["shoeSize"]), (&json!(true), &json!(38)));
        assert_eq!(world.application.all("Groups")[0]["externalId"], TEAM.to_string());
    }

    async fn the_account_of_another_user_here_is_not_adopted_even_before_it_is_known(db: TestDb) {
        let mut world = World::on(&db).await;
        let (first, second) = (world.town.add("anna").await, world.town.add("ann").await);
        // Pushed by an earlier target, whose name here is another one now.
        world.application.add("Users", json!({ "userName": "ann", "externalId": first.to_string(), "active": true }));
        world.application.behave(|_, path, _| path.starts_with("Users/").then_some(Fault::Status(500, None)));
        let target = world.target(json!({ "adopt": "by_user_name" })).await.id;
        world.push().await;
        let state = world.state(target, second).await.unwrap();
        assert!(state["last_error"].as_str().unwrap().contains(&first.to_string()), "{state}");
    }

    async fn an_account_made_by_hand_under_a_known_id_is_left_alone(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let [ann, bob, cas] = [world.town.add("ann").await, world.town.add("bob").await, world.town.add("cas").await];
        world.push().await;
        // The application was set up anew: the local administrators have the ids that were known.
        world.replace_account("ann", "root", Value::Null);
        world.replace_account("bob", "backup", json!("local-2"));
        world.replace_account("cas", "cas", Value::Null);
        world.application.requests();
        world.town.set(ann, "title", json!("Boss")).await;
        world.town.remove(bob).await;
        world.town.set(cas, "title", json!("Boss")).await;
        for _ in 0..4 {
            world.push_later(120).await;
        }
        let root = world.application.user("root").unwrap();
        assert_eq!((root.get("title"), &root["active"]), (None, &json!(true)));
        assert_eq!(world.application.user("ann").unwrap()["title"], "Boss", "an account of her own");
        // Nothing shows that the account is not that of bob: an administrator has to look.
        assert!(world.application.user("backup").is_some());
        let state = world.state(target, bob).await.unwrap();
        assert_eq!(state["state"], "dead");
        assert!(state["last_error"].as_str().unwrap().contains("left alone"), "{state}");
        assert_eq!(world.application.user("cas").unwrap().get("title"), None);
        assert!(world.state(target, cas).await.unwrap()["last_error"].as_str().unwrap().contains("not managed"));
        assert_eq!(world.application.writes(), ["POST Users"]);
    }

    async fn an_account_to_which_another_system_gave_its_id_is_not_taken_for_gone(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        let [ann, bob, cas] = [world.town.add("ann").await, world.town.add("bob").await, world.town.add("cas").await];
        world.push().await;
        for name in ["ann", "bob"] {
            let id = world.id_there(name);
            world.application.set("Users", &id, "externalId", json!(Uuid::from_u128(77).to_string()));
        }
        // The account of somebody else here is another matter: this one is gone.
        let dan = world.town.add("dan").await;
        world.replace_account("cas", "dan", json!(dan.to_string()));
        world.town.remove(ann).await;
        world.town.edit(bob, |user| user.deleted = true).await;
        world.town.remove(cas).await;
        for _ in 0..4 {
            world.push_later(120).await;
        }
        for left in [ann, bob] {
            let state = world.state(target, left).await.unwrap();
            assert_eq!(state["state"], "dead");
            assert!(state["last_error"].as_str().unwrap().contains("left alone"), "{state}");
        }
        assert_eq!(world.state(target, cas).await, None);
        assert!(world.application.user("dan").is_some());
    }

    async fn a_target_that_keeps_no_external_id_is_followed_by_the_names_that_were_pushed(db: TestDb) {
        let mut world = World::on(&db).await;
        world.application.without_external_ids();
        let target = world.target(everybody()).await.id;
        let (ann, bob) = (world.town.add("ann").await, world.town.add("bob").await);
        world.push().await;
        let id = world.id_there("ann");
        world.town.set(ann, "title", json!("Boss")).await;
        world.push().await;
        world.town.set(ann, "userName", json!("anna")).await;
        world.push().await;
        world.town.edit(ann, |user| user.deleted = true).await;
        world.push().await;
        let there = world.application.user("anna").unwrap();
        assert_eq!((&there["id"], &there["title"], &there["active"]), (&json!(id), &json!("Boss"), &json!(false)));
        world.town.remove(ann).await;
        world.push().await;
        assert!(world.application.user("anna").is_none());
        // Of another name, it is not the account that was pushed.
        world.replace_account("bob", "root", Value::Null);
        world.town.remove(bob).await;
        world.push().await;
        assert!(world.application.user("root").is_some());
        assert!(world.state(target, bob).await.unwrap()["last_error"].as_str().unwrap().contains("left alone"));
    }

    async fn the_id_of_what_was_created_is_written_down_before_the_push_ends(db: TestDb) {
        let mut world = World::on(&db).await;
        world.town.name_group(TEAM, "team").await;
        let ann = world.town.add("ann").await;
        world.town.edit(ann, |user| user.groups = vec![TEAM]).await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.application.behave(|method, path, _| {
            (*method == Method::POST && path == "Groups").then_some(Fault::Status(500, None))
        });
        world.push().await;
        world.application.behave(|method, _, _| (*method == Method::PATCH).then_some(Fault::Silence));
        world.clock.advance(Duration::from_secs(400));
        world.dispatcher.take_in().await;
        let job = world.dispatcher.claim_one(target).await.unwrap();
        assert_eq!(job.claim.resource, TEAM);
        // The replica dies while it pushes the members.
        let pushes_members = testkit::eventually("the members are pushed", async || {
            let requests = world.application.requests();
            requests.iter().any(|(method, ..)| *method == Method::PATCH).then_some(())
        });
        tokio::select! {
            () = job.run() => panic!("the push ended"),
            () = pushes_members => {}
        }
        let known = world.state(target, TEAM).await.unwrap()["remote_id"].clone();
        assert_eq!(known, world.application.all("Groups")[0]["id"]);
        world.application.behave(|_, _, _| None);
        world.town.edit(ann, |user| user.groups.clear()).await;
        world.end_leases().await;
        world.push_later(400).await;
        assert_eq!(world.application.members("team"), [""; 0]);
    }
}

//! Tests of the members of groups: removals, refusals, and members who are another account meanwhile.

use http::Method;

use super::*;
use crate::store::member_changes::{self, ADDING};
use crate::store::{members, queue};

const TEAM: Uuid = Uuid::from_u128(1);

/// A world with a team of users named `user-00` and so on, whose group is pushed.
async fn team(db: &Db, size: usize) -> (World, Uuid, Vec<Uuid>) {
    let mut world = World::on(db).await;
    world.town.name_group(TEAM, "team").await;
    let mut users = Vec::new();
    for number in 0..size {
        let id = world.town.add(&format!("user-{number:02}")).await;
        world.town.edit(id, |user| user.groups = vec![TEAM]).await;
        users.push(id);
    }
    let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
    world.push().await;
    assert_eq!(world.application.members("team").len(), size);
    (world, target, users)
}

/// True if a request adds or removes this member.
fn is_about(body: &Value, id: &str) -> bool {
    body.to_string().contains(id)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_member_whom_the_target_refuses_holds_no_other_and_is_noted(db: TestDb) {
        let (mut world, target, users) = team(&db, 3).await;
        let bad = world.town.add("bad").await;
        world.push().await;
        let bad_there = world.application.user("bad").unwrap()["id"].as_str().unwrap().to_owned();
        let refused = bad_there.clone();
        world.application.behave(move |method, path, body| {
            let refuses = *method == Method::PATCH && path.starts_with("Groups/") && is_about(body, &refused);
            refuses.then_some(Fault::Status(400, None))
        });
        let mut others = Vec::new();
        for number in 0..20 {
            others.push(world.town.add(&format!("other-{number:02}")).await);
        }
        for id in others.iter().chain([&bad]) {
            world.town.edit(*id, |user| user.groups = vec![TEAM]).await;
        }
        world.town.edit(users[0], |user| user.groups.clear()).await;
        world.application.requests();
        world.push().await;
        // Removals do not wait for additions, and the additions of others not for that one.
        let members = world.application.members("team");
        assert!(!members.contains(&"user-00".to_owned()) && members.len() == 22, "{members:?}");
        for _ in 0..3 {
            world.application.requests();
            world.push_later(120).await;
            let tried = world.application.requests().into_iter().filter(|(method, ..)| *method == Method::PATCH);
            assert_eq!(tried.count(), 1, "it is known whom the target refuses");
        }
        let state = world.state(target, TEAM).await.unwrap();
        assert_eq!((&state["state"], &state["last_status"]), (&json!("dead"), &json!(400)));
        let error = state["last_error"].as_str().unwrap();
        assert!(error.contains(&format!("refuses: 1, among them {bad}")), "{error}");

        // A group that was given up goes on with the next change.
        world.town.edit(users[1], |user| user.groups.clear()).await;
        world.push().await;
        assert!(!world.application.members("team").contains(&"user-01".to_owned()));
        world.application.behave(|_, _, _| None);
        world.push_later(120).await;
        assert!(world.application.members("team").contains(&"bad".to_owned()));
        assert_eq!(world.state(target, TEAM).await.unwrap()["state"], "in_step");
    }

    async fn a_target_that_refuses_every_member_is_not_asked_for_each(db: TestDb) {
        let (mut world, target, _) = team(&db, 1).await;
        for number in 0..40 {
            let id = world.town.add(&format!("other-{number:02}")).await;
            world.town.edit(id, |user| user.groups = vec![TEAM]).await;
        }
        world.application.behave(|method, path, _| {
            (*method == Method::PATCH && path.starts_with("Groups/")).then_some(Fault::Status(403, None))
        });
        world.dispatcher.take_in().await;
        world.push().await;
        world.application.requests();
        world.push_later(5).await;
        let tried = world.application.requests().into_iter().filter(|(method, ..)| *method == Method::PATCH).count();
        assert!((1..60).contains(&tried), "{tried}");
        assert!(world.state(target, TEAM).await.unwrap()["last_error"].as_str().unwrap().contains("403"));
        world.application.behave(|_, _, _| None);
        for _ in 0..6 {
            world.push_later(120).await;
        }
        assert_eq!(world.application.members("team").len(), 41);
    }

    async fn removals_come_before_additions_in_requests_of_their_own(db: TestDb) {
        let (mut world, _, users) = team(&db, 2).await;
        let cas = world.town.add("cas").await;
        world.push().await;
        world.town.edit(cas, |user| user.groups = vec![TEAM]).await;
        world.town.edit(users[1], |user| user.groups.clear()).await;
        world.application.requests();
        world.push().await;
        let of_group = |(method, path, _): &(Method, String, Value)| *method == Method::PATCH && path.starts_with("Groups/");
        let requests = world.application.requests().into_iter().filter(of_group);
        let operations: Vec<Value> = requests.map(|(_, _, body)| body["Operations"].clone()).collect();
        let kinds: Vec<&Value> = operations.iter().map(|operations| &operations[0]["op"]).collect();
        assert_eq!(kinds, ["remove", "add"]);
        assert!(operations.iter().all(|operations| operations.as_array().unwrap().len() == 1));
    }

    async fn a_member_whom_a_target_without_patch_refuses_holds_no_other(db: TestDb) {
        let (mut world, _, users) = team(&db, 2).await;
        let (bad, good) = (world.town.add("bad").await, world.town.add("good").await);
        world.push().await;
        let bad_there = world.application.user("bad").unwrap()["id"].as_str().unwrap().to_owned();
        world.application.behave(move |method, path, body| {
            let is_group = path.starts_with("Groups/");
            match *method {
                Method::PATCH if is_group => Some(Fault::Status(501, None)),
                Method::PUT if is_group && is_about(body, &bad_there) => Some(Fault::Status(400, None)),
                _ => None,
            }
        });
        for id in [bad, good] {
            world.town.edit(id, |user| user.groups = vec![TEAM]).await;
        }
        world.town.edit(users[0], |user| user.groups.clear()).await;
        world.push().await;
        world.push_later(5).await;
        assert_eq!(world.application.members("team"), ["good", "user-01"]);
    }

    async fn a_member_who_becomes_another_account_during_a_push_is_added_again(db: TestDb) {
        let (world, target, users) = team(&db, 1).await;
        let of = (target, TEAM);
        for round in 0..20 {
            let mut tx = db.begin("test").await.unwrap();
            members::add_once_more(&mut tx, target, users[0]).await.unwrap();
            tx.commit().await.unwrap();
            let mut reader = db.reader().await.unwrap();
            let sent = member_changes::pending(&mut reader, of, ADDING, Uuid::nil(), 10).await.unwrap();
            let due = resources::due_after(&mut reader, target, Uuid::nil(), 10).await.unwrap();
            drop(reader);
            let fence = due.iter().find(|due| due.resource_id == users[0]).unwrap().claims;
            let claim = queue::Claim { target, resource: users[0], fence };
            let note = async {
                let mut tx = db.begin("test").await.unwrap();
                members::add_once_more(&mut tx, target, users[0]).await.unwrap();
                tokio::task::yield_now().await;
                assert!(queue::note(&mut tx, claim, &format!("R{round}"), None).await.unwrap());
                tx.commit().await.unwrap();
            };
            let end = async {
                let mut tx = db.begin("test").await.unwrap();
                member_changes::pushed(&mut tx, of, &sent).await.unwrap();
                tx.commit().await.unwrap();
            };
            tokio::join!(note, end);
            let mut reader = db.reader().await.unwrap();
            let pending = member_changes::pending(&mut reader, of, ADDING, Uuid::nil(), 10).await.unwrap();
            assert_eq!(pending.len(), 1, "round {round}");
        }
        drop(world);
    }
}

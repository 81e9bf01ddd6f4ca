//! Tests of drift checks.

mod groups;

use super::*;
use crate::store::checks::{self, Check};
use http::Method;

const TEAM: Uuid = Uuid::from_u128(1);

async fn check(world: &mut World, target: Uuid, repair: bool) -> Check {
    world.clock.advance(Duration::from_secs(1));
    world.provisioning.check(target, repair).await.unwrap();
    loop {
        world.push().await;
        let mut reader = world.provisioning.shared.db.reader().await.unwrap();
        let check = checks::find(&mut reader, target).await.unwrap().unwrap();
        if check.finished_at.is_some() {
            return check;
        }
    }
}

/// Compared, different, missing and unmanaged.
fn figures(check: &Check) -> [i64; 4] {
    assert_eq!(check.error, None);
    [check.compared, check.different, check.missing, check.unmanaged]
}

/// A target with two groups. Ann is a member of the first; eve is one too many there, at the application alone.
async fn two_groups_and_eve_in_the_first(world: &mut World) -> (Uuid, Uuid) {
    world.town.name_group(TEAM, "one").await;
    let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
    world.push().await;
    world.town.name_group(Uuid::from_u128(2), "two").await;
    let (ann, eve) = (world.town.add("ann").await, world.town.add("eve").await);
    world.town.edit(ann, |user| user.groups = vec![TEAM]).await;
    world.push().await;
    let groups = world.application.all("Groups");
    let first = groups.iter().find(|group| group["displayName"] == "one").unwrap();
    assert_eq!(first["id"], groups[0]["id"]);
    let members: Vec<Value> = ["ann", "eve"]
        .iter()
        .map(|name| json!({ "value": world.application.user(name).unwrap()["id"] }))
        .collect();
    let id = first["id"].as_str().unwrap().to_owned();
    world.application.set("Groups", &id, "members", json!(members));
    (target, eve)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_check_finds_what_differs_and_repairs_it_on_request(db: TestDb) {
        let mut world = World::on(&db).await;
        let team = Uuid::from_u128(1);
        world.town.name_group(team, "team").await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        for name in ["ann", "bob", "cas"] {
            let id = world.town.add(name).await;
            world.town.edit(id, |user| user.groups = vec![team]).await;
        }
        world.push().await;
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 0, 0, 0]);

        // Somebody at the application changes one, deletes one, adds one, and removes a member.
        let id_of = |user: &str| world.application.user(user).unwrap()["id"].as_str().unwrap().to_owned();
        world.application.set("Users", &id_of("ann"), "active", json!(false));
        world.application.remove("Users", &id_of("bob"));
        world.application.add("Users", json!({ "userName": "theirs" }));
        let group = world.application.all("Groups")[0]["id"].as_str().unwrap().to_owned();
        world.application.set("Groups", &group, "members", json!([]));
        world.application.requests();
        let found = check(&mut world, target, false).await;
        assert_eq!(figures(&found), [4, 2, 1, 1]);
        assert!(world.application.writes().is_empty(), "nothing is repaired unasked");
        let findings = serde_json::to_value(&found.findings.0).unwrap();
        assert_eq!(findings[0]["attributes"], json!(["active"]), "{findings}");

        // Who is missing may be found by the push of the group, before the check comes to it.
        let [compared, different, missing, unmanaged] = figures(&check(&mut world, target, true).await);
        assert_eq!((compared, different, unmanaged), (4, 2, 1));
        assert!(missing <= 1);
        world.push().await;
        world.push_later(60).await;
        assert_eq!(world.application.user("ann").unwrap()["active"], true);
        assert_eq!(world.application.members("team"), ["ann", "bob", "cas"]);
        assert_eq!(figures(&check(&mut world, target, false).await), [5, 0, 0, 1]);
    }

    async fn a_repair_that_is_interrupted_keeps_what_was_compared(db: TestDb) {
        let mut world = World::on(&db).await;
        let (target, eve) = two_groups_and_eve_in_the_first(&mut world).await;
        let second = world.application.all("Groups")[1]["id"].as_str().unwrap().to_owned();
        let path_of = format!("Groups/{second}");
        world.application.behave(move |method, path, query| {
            let whole = *method == Method::GET && path == path_of && query.get("excludedAttributes").is_none();
            whole.then_some(Fault::Status(503, None))
        });
        let failed = check(&mut world, target, true).await;
        assert!(failed.error.unwrap().contains("503"));
        let [counted, different] = [failed.compared, failed.different];
        assert_eq!((counted, different, failed.page_done.len()), (3, 1, 1), "{eve}");
        world.application.behave(|_, _, _| None);
        world.push_later(600).await;
        assert_eq!(world.application.members("one"), ["ann"]);
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 0, 0, 0]);
    }

    async fn a_repair_that_is_not_stored_hides_nothing_from_the_next_check(db: TestDb) {
        let mut world = World::on(&db).await;
        let (target, _) = two_groups_and_eve_in_the_first(&mut world).await;
        world.clock.advance(Duration::from_secs(1));
        world.provisioning.check(target, true).await.unwrap();
        for _ in 0..2 {
            let mut job = world.dispatcher.claim_checks().await.unwrap().pop().unwrap();
            if job.check.phase == "groups" {
                // Its time is over inside the page.
                job.claimed -= Duration::from_secs(101);
            }
            job.run().await;
        }
        let found = check(&mut world, target, false).await;
        assert_eq!(figures(&found), [4, 1, 0, 0]);
        check(&mut world, target, true).await;
        world.push().await;
        assert_eq!(world.application.members("one"), ["ann"]);
    }

    async fn a_check_goes_on_inside_a_page_for_which_the_time_was_too_short(db: TestDb) {
        let mut world = World::on(&db).await;
        for number in 1..=4 {
            world.town.name_group(Uuid::from_u128(number), &format!("group-{number}")).await;
        }
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.push().await;
        world.application.requests();
        world.clock.advance(Duration::from_secs(1));
        world.provisioning.check(target, false).await.unwrap();
        let mut pages = 0;
        let ended = loop {
            for mut job in world.dispatcher.claim_checks().await.unwrap() {
                assert!(world.dispatcher.claim_checks().await.unwrap().is_empty(), "it runs once");
                // Each resource takes long.
                job.claimed -= Duration::from_secs(61);
                job.run().await;
                pages += 1;
            }
            let mut reader = world.provisioning.shared.db.reader().await.unwrap();
            let check = checks::find(&mut reader, target).await.unwrap().unwrap();
            if check.finished_at.is_some() {
                break check;
            }
        };
        assert_eq!(figures(&ended), [4, 0, 0, 0]);
        assert_eq!(pages, 6, "users, the groups one by one, and what is missing");
        let requests = world.application.requests();
        let whole = requests.iter().filter(|(_, path, _)| path.starts_with("Groups/")).count();
        assert_eq!(whole, 4);
    }

    async fn a_page_that_takes_longer_than_its_lease_ends_the_check(db: TestDb) {
        let world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.provisioning.check(target, false).await.unwrap();
        let mut job = world.dispatcher.claim_checks().await.unwrap().pop().unwrap();
        job.claimed -= Duration::from_secs(101);
        job.run().await;
        let mut reader = world.provisioning.shared.db.reader().await.unwrap();
        let check = checks::find(&mut reader, target).await.unwrap().unwrap();
        assert_eq!((check.phase.as_str(), check.error.as_deref()), ("failed", Some("no answer in time")));
    }

    async fn one_check_at_a_time_and_none_of_a_paused_target(db: TestDb) {
        let world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.provisioning.check(target, false).await.unwrap();
        assert!(matches!(world.provisioning.check(target, false).await, Err(ProvisioningError::Checking)));
        let edit = Edit { enabled: Some(false), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        assert!(matches!(world.provisioning.check(target, false).await, Err(ProvisioningError::Paused)));
    }

    async fn a_check_of_a_target_that_fails_says_so(db: TestDb) {
        let mut world = World::on(&db).await;
        let target = world.target(everybody()).await.id;
        world.push().await;
        world.application.behave(|_, _, _| Some(Fault::Status(500, None)));
        world.provisioning.check(target, false).await.unwrap();
        world.push().await;
        let mut reader = world.provisioning.shared.db.reader().await.unwrap();
        let check = checks::find(&mut reader, target).await.unwrap().unwrap();
        assert_eq!(check.phase, "failed");
        assert!(check.error.unwrap().contains("500"));
    }
}

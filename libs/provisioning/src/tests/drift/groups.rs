//! Tests of drift checks of groups and their members.

use super::*;
use crate::store::members;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_member_too_many_is_found_and_removed_unless_it_belongs_to_the_application(db: TestDb) {
        let mut world = World::on(&db).await;
        world.town.name_group(TEAM, "team").await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        let ann = world.town.add("ann").await;
        world.town.add("bob").await;
        world.town.edit(ann, |user| user.groups = vec![TEAM]).await;
        world.push().await;
        let theirs = world.application.add("Users", json!({ "userName": "theirs" }));
        let ids = ["ann", "bob", "theirs"].map(|name| world.application.user(name).unwrap()["id"].clone());
        assert_eq!(ids[2], theirs);
        let group = world.application.all("Groups")[0]["id"].as_str().unwrap().to_owned();
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        world.application.set("Groups", &group, "members", json!(members));
        let found = check(&mut world, target, false).await;
        assert_eq!(figures(&found), [4, 1, 0, 1]);
        let different = found.findings.0.iter().find(|finding| finding.finding == "different").unwrap();
        assert_eq!((different.resource_id, &different.attributes), (Some(TEAM), &vec!["members".to_owned()]));
        world.push().await;
        assert_eq!(world.application.members("team"), ["ann", "bob", "theirs"], "nothing is repaired unasked");
        check(&mut world, target, true).await;
        world.push().await;
        assert_eq!(world.application.members("team"), ["ann", "theirs"]);
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 0, 0, 1]);
    }

    async fn a_group_that_is_too_large_is_a_finding_and_not_the_end(db: TestDb) {
        const LONG: usize = 9 * 1024 * 1024;
        let mut world = World::on(&db).await;
        for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
            world.town.name_group(Uuid::from_u128(number), name).await;
        }
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.push().await;
        let second = world.application.all("Groups")[1]["id"].as_str().unwrap().to_owned();
        let path_of = format!("Groups/{second}");
        world.application.behave(move |_, path, query| {
            let whole = path == path_of && query.get("excludedAttributes").is_none();
            whole.then_some(Fault::Large(200, LONG))
        });
        let found = check(&mut world, target, true).await;
        assert_eq!((figures(&found), found.not_compared), ([3, 0, 0, 0], 1));
        let finding = &found.findings.0[0];
        assert_eq!((finding.finding.as_str(), finding.remote_id.as_deref()), ("not_compared", Some(second.as_str())));
        assert!(!finding.is_repairable());

        // An application that lists members though it is asked not to.
        world.application.behave(|_, path, query| {
            let large = path == "Groups" && query["count"] != "0" && (query["count"] != "1" || query["startIndex"] == "2");
            large.then_some(Fault::Large(200, LONG))
        });
        let found = check(&mut world, target, false).await;
        assert_eq!((figures(&found), found.not_compared), ([3, 0, 0, 0], 1), "it is there");

        // The last one ends the list.
        world.application.behave(|_, path, query| {
            let large = path == "Groups" && query["count"] != "0" && (query["count"] != "1" || query["startIndex"] == "3");
            (large || path.starts_with("Groups/Groups")).then_some(Fault::Large(200, LONG))
        });
        let found = check(&mut world, target, false).await;
        assert_eq!((figures(&found), found.not_compared), ([3, 0, 0, 0], 3), "none is given, and each is there");

        // One is too large to be listed, and another one is missing.
        world.application.behave(|_, path, query| {
            let large = path == "Groups" && query["count"] != "0" && (query["count"] != "1" || query["startIndex"] == "2");
            large.then_some(Fault::Large(200, LONG))
        });
        let third = world.application.all("Groups")[2]["id"].as_str().unwrap().to_owned();
        world.application.remove("Groups", &third);
        let found = check(&mut world, target, false).await;
        assert_eq!((figures(&found), found.not_compared), ([2, 0, 1, 0], 1));
        let missing = found.findings.0.iter().find(|finding| finding.finding == "missing").unwrap();
        assert_eq!(missing.remote_id.as_ref(), Some(&third));

        // Neither is it known of one that the application refuses to show.
        world.application.behave(move |_, path, query| {
            let large = path == "Groups" && query["count"] != "0" && (query["count"] != "1" || query["startIndex"] == "2");
            let refused = (path == format!("Groups/{third}")).then_some(Fault::Status(400, None));
            large.then_some(Fault::Large(200, LONG)).or(refused)
        });
        let found = check(&mut world, target, true).await;
        assert_eq!((figures(&found), found.not_compared), ([2, 0, 0, 0], 2));

        // An application that lists all members of all groups, whatever it is asked: nothing shows where its list ends.
        world.application.behave(|_, path, _| (path == "Groups").then_some(Fault::Large(200, LONG)));
        let checking = tokio::time::timeout(Duration::from_secs(60), check(&mut world, target, false));
        let found = checking.await.expect("the check ends");
        assert_eq!(found.error.as_deref(), Some("the answer has more than 8388608 bytes"));
    }

    async fn a_group_that_is_not_given_in_time_is_not_the_end_unless_nothing_is(db: TestDb) {
        let mut world = World::on(&db).await;
        let (target, _) = two_groups_and_eve_in_the_first(&mut world).await;
        let second = world.application.all("Groups")[1]["id"].as_str().unwrap().to_owned();
        let is_whole = move |path: &str, query: &Value| {
            path == format!("Groups/{second}") && query.get("excludedAttributes").is_none()
        };
        let late = is_whole.clone();
        world.application.behave(move |_, path, query| late(path, query).then_some(Fault::Silence));
        let found = check(&mut world, target, false).await;
        assert_eq!((figures(&found), found.not_compared), ([4, 1, 0, 0], 1));
        // The same, and from then on it answers nothing.
        let is_away = std::sync::atomic::AtomicBool::new(false);
        world.application.behave(move |_, path, query| {
            is_away.fetch_or(is_whole(path, query), std::sync::atomic::Ordering::Relaxed);
            is_away.load(std::sync::atomic::Ordering::Relaxed).then_some(Fault::Silence)
        });
        let failed = check(&mut world, target, false).await;
        assert_eq!(failed.error.as_deref(), Some("no answer in time"));
        assert_eq!((failed.compared, failed.different, failed.not_compared), (3, 1, 0), "what was compared counts");
    }

    async fn changes_of_members_that_wait_for_no_push_are_found_and_pushed(db: TestDb) {
        let mut world = World::on(&db).await;
        let (target, eve) = two_groups_and_eve_in_the_first(&mut world).await;
        // As an interrupted repair of an earlier version left them.
        let mut tx = db.begin("test").await.unwrap();
        members::remove_these(&mut tx, (target, TEAM), &[eve]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 1, 0, 0]);
        check(&mut world, target, true).await;
        world.push().await;
        assert_eq!(world.application.members("one"), ["ann"]);
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 0, 0, 0]);
    }

    async fn no_members_and_a_group_that_is_not_given_are_not_the_end(db: TestDb) {
        let mut world = World::on(&db).await;
        let (target, _) = two_groups_and_eve_in_the_first(&mut world).await;
        let ids: Vec<String> = world.application.all("Groups").iter().map(|group| group["id"].as_str().unwrap().to_owned()).collect();
        world.application.set("Groups", &ids[1], "members", Value::Null);
        assert_eq!(figures(&check(&mut world, target, false).await), [4, 1, 0, 0]);
        // A list in place of an object, as of members that nobody understands.
        world.application.set("Groups", &ids[0], "members", json!("ann"));
        let path_of = format!("Groups/{}", ids[1]);
        world.application.behave(move |_, path, _| (path == path_of).then_some(Fault::Status(500, None)));
        let found = check(&mut world, target, false).await;
        assert_eq!((figures(&found), found.not_compared), ([4, 0, 0, 0], 2));
    }
}

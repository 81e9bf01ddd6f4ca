//! Delegations whose users and groups are deleted, before them and at the same moment.

use tokio::task::JoinSet;

use super::*;
use crate::testing::app;

/// The delegations to or over one of these ids.
async fn delegations_with(world: &World, ids: &[Uuid]) -> Vec<Value> {
    let listed = world.admin.get(&format!("{DELEGATIONS}?limit=200")).await;
    let all = listed.body["delegations"].as_array().unwrap().iter();
    let names_one = |one: &&Value| {
        let named =
            ["to_user", "to_group", "members_of"].map(|field| one[field].as_str().unwrap_or_default());
        ids.iter().any(|id| named.contains(&id.to_string().as_str()))
    };
    all.filter(names_one).cloned().collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn delegations_are_deleted_with_their_groups(db: TestDb) {
        let world = World::new(app(&db)).await;
        let helpers = group(&world.admin, "Helpers", &[world.oto]).await;
        let kept = world.delegate(json!({ "to_user": world.ann, "members_of": world.north })).await;
        world.delegate(json!({ "to_user": world.ann, "members_of": helpers })).await;
        world.delegate(json!({ "to_group": helpers, "members_of": world.north })).await;
        assert_eq!(delegations_with(&world, &[helpers]).await.len(), 2);
        let deleted = world.admin.send("DELETE", &group_path(helpers), &[], Body::empty()).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
        assert_eq!(delegations_with(&world, &[helpers]).await, [] as [Value; 0]);
        assert_eq!(world.admin.get(&kept).await.status, StatusCode::OK);
    }

    async fn a_delegation_that_races_with_a_deletion_is_deleted_or_refused(db: TestDb) {
        let world = World::new(app(&db)).await;
        let mut created_first = 0;
        for round in 0..12 {
            let user = world.app.users.create(desired_user(&format!("user{round}"))).await.unwrap().id;
            let helpers = group(&world.admin, &format!("Helpers {round}"), &[]).await;
            let mut creations = JoinSet::new();
            for desired in [
                json!({ "to_user": user, "members_of": world.sales }),
                json!({ "to_user": user, "members_of": helpers }),
                json!({ "to_group": helpers, "members_of": world.sales }),
                json!({ "to_user": world.ann, "members_of": helpers }),
            ] {
                let admin = world.admin.clone();
                creations.spawn(async move { admin.json("POST", DELEGATIONS, &desired).await });
            }
            let (user_path, group_path) = (user_path(user), group_path(helpers));
            let (one, other) = tokio::join!(
                world.admin.send("DELETE", &user_path, &[], Body::empty()),
                world.admin.send("DELETE", &group_path, &[], Body::empty())
            );
            assert_eq!((one.status, other.status), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
            for created in creations.join_all().await {
                let is_expected = [StatusCode::CREATED, StatusCode::UNPROCESSABLE_ENTITY].contains(&created.status);
                assert!(is_expected, "round {round}: {} {}", created.status, created.body);
                created_first += usize::from(created.status == StatusCode::CREATED);
            }
            assert_eq!(delegations_with(&world, &[user, helpers]).await, [] as [Value; 0], "round {round}");
        }
        assert!(created_first > 0, "no creation came before a deletion");
    }

    async fn the_last_delegation_of_a_person_is_created_once(db: TestDb) {
        let world = World::new(app(&db)).await;
        let sam = json!({ "to_user": world.ann, "users_matching": "userName eq \"sam\"" });
        for _ in 1..50 {
            world.delegate(sam.clone()).await;
        }
        let mut creations = JoinSet::new();
        for _ in 0..6 {
            let (admin, sam) = (world.admin.clone(), sam.clone());
            creations.spawn(async move { admin.json("POST", DELEGATIONS, &sam).await.status });
        }
        let mut statuses = creations.join_all().await;
        statuses.sort();
        let wanted = [&[StatusCode::CREATED][..], &[StatusCode::CONFLICT; 5]].concat();
        assert_eq!(statuses, wanted);
    }
}

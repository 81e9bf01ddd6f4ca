//! Tests of groups and their members at a target.

use super::*;

const TEAM: Uuid = Uuid::from_u128(1);
const UNIT: Uuid = Uuid::from_u128(2);

/// A world with the groups team and unit, team in unit; ann in team, bob in unit.
async fn world(db: &Db) -> (World, Uuid, Uuid) {
    let world = World::on(db).await;
    world.town.name_group(UNIT, "unit").await;
    world.town.name_group(TEAM, "team").await;
    world.town.nest(TEAM, UNIT, true).await;
    let (ann, bob) = (world.town.add("ann").await, world.town.add("bob").await);
    world.town.edit(ann, |user| user.groups = vec![TEAM]).await;
    world.town.edit(bob, |user| user.groups = vec![UNIT]).await;
    (world, ann, bob)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn groups_are_pushed_with_the_members_of_groups_in_them(db: TestDb) {
        let (mut world, ann, bob) = world(&db).await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["ann", "bob"]);
        assert_eq!(world.application.members("team"), ["ann"]);
        assert_eq!(world.counts(target).await, counts(0, 4, 0));
        world.town.edit(bob, |user| user.groups = vec![TEAM]).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["ann", "bob"]);
        assert_eq!(world.application.members("team"), ["ann", "bob"]);
        world.town.nest(TEAM, UNIT, false).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), [""; 0]);
        world.town.edit(ann, |user| user.groups.clear()).await;
        world.town.name_group(TEAM, "crew").await;
        world.push().await;
        assert_eq!(world.application.members("crew"), ["bob"]);
        world.town.remove_group(UNIT).await;
        world.push().await;
        assert_eq!(world.application.all("Groups").len(), 1);
        world.town.remove(bob).await;
        world.push().await;
        assert_eq!(world.counts(target).await, counts(0, 2, 0));
    }

    async fn a_target_may_nest_groups(db: TestDb) {
        let (mut world, ..) = world(&db).await;
        world.target(json!({ "groups": { "push": "all" }, "nested_groups": true })).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["bob", "team"]);
        assert_eq!(world.application.members("team"), ["ann"]);
        world.town.nest(TEAM, UNIT, false).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["bob"]);
    }

    async fn only_the_listed_groups_are_pushed_and_a_group_that_is_listed_no_more_is_deleted(db: TestDb) {
        let (mut world, ..) = world(&db).await;
        let rules = |groups: &[Uuid]| json!({ "groups": { "push": "listed", "groups": groups } });
        let target = world.target(rules(&[UNIT])).await.id;
        world.push().await;
        assert_eq!(world.application.all("Groups").len(), 1);
        assert_eq!(world.application.members("unit"), ["ann", "bob"]);
        let edit = Edit { rules: Some(serde_json::from_value(rules(&[TEAM])).unwrap()), ..Edit::default() };
        world.provisioning.change(target, edit).await.unwrap();
        world.push().await;
        assert_eq!(world.application.all("Groups").len(), 1);
        assert_eq!(world.application.members("team"), ["ann"]);
    }

    async fn a_group_with_many_members_is_pushed_in_parts(db: TestDb) {
        let mut world = World::on(&db).await;
        world.town.name_group(TEAM, "team").await;
        for number in 0..120 {
            let id = world.town.add(&format!("user-{number:03}")).await;
            world.town.edit(id, |user| user.groups = vec![TEAM]).await;
        }
        world.target(json!({ "groups": { "push": "all" } })).await;
        world.push().await;
        assert_eq!(world.application.members("team").len(), 120);
    }

    async fn a_target_without_patch_gets_all_members_at_once(db: TestDb) {
        let (mut world, _, bob) = world(&db).await;
        world.application.without_patch();
        world.target(json!({ "groups": { "push": "all" } })).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["ann", "bob"]);
        world.town.edit(bob, |user| user.groups.clear()).await;
        world.push().await;
        assert_eq!(world.application.members("unit"), ["ann"]);
        world.town.name_group(UNIT, "units").await;
        world.push().await;
        assert_eq!(world.application.members("units"), ["ann"]);
    }

    async fn a_member_who_leaves_after_a_push_that_was_not_written_down_is_removed(db: TestDb) {
        let (mut world, ann, _) = world(&db).await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.push().await;
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query(
                "UPDATE provisioning_resources SET remote_id = NULL, pushed = NULL WHERE target_id = $1 AND resource_id = $2")
            .bind(target)
            .bind(TEAM)
            .execute(c)
            .await
            .unwrap()
            .rows_affected());
        tx.commit().await.unwrap();
        world.town.edit(ann, |user| user.groups.clear()).await;
        world.push().await;
        assert_eq!(world.application.members("team"), [""; 0]);
    }

    async fn members_and_groups_that_were_deleted_at_the_target_come_back(db: TestDb) {
        let (mut world, ann, bob) = world(&db).await;
        let target = world.target(json!({ "groups": { "push": "all" } })).await.id;
        world.push().await;
        world.application.clear("Users");
        world.application.clear("Groups");
        // A member who is not there: the group is refused at first, which has the member asked for.
        world.town.edit(ann, |user| user.groups = vec![TEAM, UNIT]).await;
        world.provisioning.retry(target, UNIT).await.unwrap();
        world.push().await;
        world.push_later(30).await;
        world.push_later(60).await;
        assert_eq!(world.application.members("unit"), ["ann", "bob"]);
        world.town.set(bob, "title", json!("x")).await;
        world.provisioning.sync(target, true).await.unwrap();
        world.push().await;
        world.push_later(400).await;
        assert_eq!(world.application.members("team"), ["ann"]);
        assert_eq!(world.counts(target).await, counts(0, 4, 0));
    }
}

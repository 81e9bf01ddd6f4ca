//! Users whose states have the names of their groups alone, as an earlier release wrote them, while groups are renamed.

use chassis::db::Engine;
use chassis::on_engine;
use chassis::shutdown::Shutdown;
use testkit::TestDb;

use super::*;
use crate::testing::app;

/// Writes the state of a user as a release before the ids of groups.
async fn forget_group_ids(db: &TestDb, id: Uuid) {
    let statement = match db.engine() {
        Engine::Sqlite => "UPDATE people SET document = json_remove(document, '$.group_ids') WHERE id = $1",
        Engine::Postgres => "UPDATE people SET document = document - 'group_ids' WHERE id = $1",
    };
    let mut tx = db.begin("forget").await.unwrap();
    let rows =
        on_engine!(&mut tx, c => sqlx::query(statement).bind(id).execute(c).await.unwrap().rows_affected());
    assert_eq!(rows, 1);
    tx.commit().await.unwrap();
}

async fn rename(world: &World, group: Uuid, name: &str) {
    let rename = operations(json!([{ "op": "replace", "path": "displayName", "value": name }]));
    let renamed = world.admin.json("PATCH", &group_path(group), &rename).await;
    assert!(renamed.status.is_success(), "{}", renamed.body);
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35, SB-48
    async fn a_user_in_a_renamed_group_stays_protected(db: TestDb) {
        let world = World::new(app(&db)).await;
        let desk = group(&world.admin, "Desk", &[world.nora]).await;
        world.delegate(json!({ "to_group": desk, "members_of": world.sales })).await;
        world.delegate_numbers(&["write"]).await;
        for user in [world.nora, world.sam] {
            forget_group_ids(&db, user).await;
        }
        let change = async |user: Uuid| world.ann().json("PATCH", &user_path(user), &retitle("Archer")).await.status;
        assert_eq!((change(world.nora).await, change(world.sam).await), (StatusCode::FORBIDDEN, StatusCode::OK));
        forget_group_ids(&db, world.sam).await;
        rename(&world, desk, "Front desk").await;
        // The groups of neither are known until the states of the members are written.
        assert_eq!((change(world.nora).await, change(world.sam).await), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
        world.app.groups.refresh(&Shutdown::new()).await.unwrap();
        assert_eq!((change(world.nora).await, change(world.sam).await), (StatusCode::FORBIDDEN, StatusCode::OK));
    }

    // SB-35
    async fn a_group_with_a_former_name_shows_nobody(db: TestDb) {
        let world = World::new(app(&db)).await;
        let old = group(&world.admin, "Archers", &[world.oto]).await;
        forget_group_ids(&db, world.oto).await;
        let first = world.delegate(json!({ "to_user": world.ann, "members_of": old })).await;
        let path = user_path(world.oto);
        assert_eq!(world.ann().get(&path).await.status, StatusCode::OK);
        world.end(&first).await;
        rename(&world, old, "Bowmen").await;
        let new = group(&world.admin, "Archers", &[]).await;
        world.delegate(json!({ "to_user": world.ann, "members_of": new })).await;
        assert_eq!(world.ann().get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(names(&world.ann().get(USERS).await), [] as [&str; 0]);
        world.app.groups.refresh(&Shutdown::new()).await.unwrap();
        assert_eq!(world.ann().get(&path).await.status, StatusCode::NOT_FOUND);
    }
}

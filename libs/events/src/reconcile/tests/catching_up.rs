//! A service that was restored catches up with the one that it follows.

use super::*;
use crate::restored::{is_catching_up, note_catching_up, note_caught_up};

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &crate::testing::THINGS];

    async fn what_is_on_its_way_is_applied_at_once_and_its_event_changes_nothing(db: TestDb) {
        let world = World::with(&db, 3).await;
        let [published, waiting, gone] = world.ids[..] else { unreachable!() };
        changed(&world.theirs, &world.outbox, published).await;
        world.service.published(4).await;
        changed(&world.theirs, &world.outbox, waiting).await;
        world.ours_of("DELETE FROM things WHERE id = $1", gone).await;
        let report = world.reconciler().compare_as(Mending::AtOnce).await.unwrap();
        assert_eq!((report.left(Kind::Missing), report.left(Kind::Behind)), (0, 0), "{report:?}");
        let expected = [(published, 2), (waiting, 2), (gone, 1)];
        let held = world.versions().await;
        assert!(expected.iter().all(|thing| held.contains(thing)), "{held:?}");
        world.deliver().await;
        assert_eq!(world.versions().await, held);
        // What comes next is let in.
        changed(&world.theirs, &world.outbox, waiting).await;
        world.deliver().await;
        assert!(world.versions().await.contains(&(waiting, 3)));
        world.service.stop().await;
    }

    async fn who_asks_to_catch_up_reaches_the_reconciler(db: TestDb) {
        let world = World::with(&db, 1).await;
        changed(&world.theirs, &world.outbox, world.ids[0]).await;
        let (reconciler, shutdown) = (world.reconciler(), Shutdown::new());
        let door = reconciler.door.clone();
        shutdown.spawn("reconciler", reconciler.run(shutdown.clone()));
        let report = door.catch_up().await.unwrap();
        assert_eq!(report.left(Kind::Behind), 0, "{report:?}");
        assert_eq!(world.versions().await, [(world.ids[0], 2)]);
        shutdown.finish(Duration::from_secs(5)).await.ok();
        world.service.stop().await;
    }

    async fn a_restored_service_catches_up_once(db: TestDb) {
        let noted = async || is_catching_up(&mut db.reader().await.unwrap()).await.unwrap();
        assert!(!noted().await);
        for at in [1, 2] {
            let mut tx = db.begin("test").await.unwrap();
            note_catching_up(&mut tx, chassis::clock::Timestamp::from_secs(at)).await.unwrap();
            tx.commit().await.unwrap();
            assert!(noted().await);
        }
        let mut tx = db.begin("test").await.unwrap();
        note_caught_up(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!noted().await);
    }
}

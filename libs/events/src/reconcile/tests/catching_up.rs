//! A service that was restored catches up with the one that it follows.

use super::*;
use crate::restore::{is_catching_up, note_catching_up, note_caught_up};

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &crate::testing::THINGS];

    async fn what_is_on_its_way_is_applied_at_once_and_its_event_changes_nothing(db: TestDb) {
        let world = World::with(&db, 3).await;
        let [published, waiting, gone] = world.ids[..] else { unreachable!() };
        changed(&world.theirs, &world.outbox, published).await;
        world.service.published(4).await;
        changed(&world.theirs, &world.outbox, waiting).await;
        world.ours_of("DELETE FROM things WHERE id = $1", gone).await;
        let report = world.reconciler().compare_as(RepairMode::AtOnce).await.unwrap();
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

    async fn one_that_cannot_be_repaired_keeps_no_other_from_it(db: TestDb) {
        let world = World::with(&db, 5).await;
        for id in &world.ids {
            changed(&world.theirs, &world.outbox, *id).await;
        }
        world.service.published(10).await;
        let refused = world.ids[2];
        let reconciler = world.reconciler_with(Some(refused), Duration::ZERO);
        let report = reconciler.compare_as(RepairMode::AtOnce).await.unwrap();
        assert_eq!(report.repaired, [(Kind::Behind, 4)].into(), "{report:?}");
        assert_eq!(report.differences.iter().map(|left| left.id).collect::<Vec<_>>(), [refused]);
        let expected = |id| (id, if id == refused { 1 } else { 2 });
        let mut held = world.versions().await;
        held.sort_unstable();
        let mut due: Vec<_> = world.ids.iter().copied().map(expected).collect();
        due.sort_unstable();
        assert_eq!(held, due);
        world.service.stop().await;
    }

    async fn nothing_is_compared_for_somebody_who_has_gone(db: TestDb) {
        let world = World::with(&db, 1).await;
        let (reconciler, shutdown) = (world.reconciler(), Shutdown::new());
        let handle = reconciler.handle.clone();
        // Nobody runs it yet, so the question waits; and nobody waits for the answer.
        assert!(futures_util::FutureExt::now_or_never(handle.ask(true)).is_none());
        world.ours_of("DELETE FROM things WHERE id = $1", world.ids[0]).await;
        shutdown.spawn("reconciler", reconciler.run(shutdown.clone()));
        let report = handle.ask(false).await.unwrap();
        assert_eq!(report.left(Kind::Missing), 1, "the question before would have repaired it: {report:?}");
        shutdown.finish(Duration::from_secs(5)).await.ok();
        world.service.stop().await;
    }

    async fn who_asks_to_catch_up_reaches_the_reconciler(db: TestDb) {
        let world = World::with(&db, 1).await;
        changed(&world.theirs, &world.outbox, world.ids[0]).await;
        let (reconciler, shutdown) = (world.reconciler(), Shutdown::new());
        let handle = reconciler.handle.clone();
        shutdown.spawn("reconciler", reconciler.run(shutdown.clone()));
        let report = handle.catch_up().await.unwrap();
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

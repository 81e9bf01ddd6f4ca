use super::*;

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &crate::testing::THINGS];

    async fn services_that_agree_have_no_drift(db: TestDb) {
        let world = World::with(&db, 5).await;
        let report = world.reconciler().compare(true).await.unwrap();
        assert_eq!(report.compared, 5);
        assert!(report.caught_up && report.drift.is_empty() && report.repaired.is_empty(), "{report:?}");
        world.service.stop().await;
    }

    async fn a_row_deleted_or_put_back_by_hand_is_repaired_although_the_inbox_knows_better(db: TestDb) {
        let world = World::with(&db, 4).await;
        let [gone, old, ..] = world.ids[..] else { unreachable!() };
        changed(&world.theirs, &world.outbox, old).await;
        world.deliver().await;
        let before = world.versions().await;
        world.ours_of("DELETE FROM things WHERE id = $1", gone).await;
        world.ours_of("UPDATE things SET version = 1 WHERE id = $1", old).await;

        let report = world.reconciler().compare(false).await.unwrap();
        assert_eq!((report.left(Kind::Missing), report.left(Kind::Behind)), (1, 1));
        assert_ne!(world.versions().await, before, "a look changes nothing");

        let report = world.reconciler().compare(true).await.unwrap();
        assert_eq!(report.repaired, [(Kind::Missing, 1), (Kind::Behind, 1)].into());
        assert!(report.drift.is_empty(), "{report:?}");
        assert_eq!(world.versions().await, before);

        // What comes next is let in.
        changed(&world.theirs, &world.outbox, gone).await;
        world.deliver().await;
        assert!(world.versions().await.contains(&(gone, 2)));
        world.service.stop().await;
    }

    async fn the_note_of_a_sequence_goes_back_with_a_service_that_went_back(db: TestDb) {
        let world = World::with(&db, 1).await;
        let id = world.ids[0];
        // The follower heard of version 9, which the followed service lost with its disk.
        world.ours("UPDATE inbox_aggregates SET sequence = 9").await;
        world.ours("DELETE FROM things").await;
        world.reconciler().compare(true).await.unwrap();
        assert_eq!(world.noted(id).await, Some(1));
        changed(&world.theirs, &world.outbox, id).await;
        world.deliver().await;
        assert_eq!(world.versions().await, [(id, 2)]);
        world.service.stop().await;
    }

    async fn what_only_the_follower_has_is_told_and_left_alone(db: TestDb) {
        let world = World::with(&db, 2).await;
        let stranger = new_id();
        let mut tx = world.ours.begin("test").await.unwrap();
        put(&mut tx, stranger, 1).await;
        put(&mut tx, world.ids[0], 7).await;
        tx.commit().await.unwrap();
        let before = world.versions().await;
        let report = world.reconciler().compare(true).await.unwrap();
        assert_eq!((report.left(Kind::Ahead), report.left(Kind::Unknown)), (1, 1));
        assert!(report.repaired.is_empty());
        assert!(report.differences.iter().any(|difference| difference.id == stranger));
        assert_eq!(world.versions().await, before);
        let last = store::last(&mut world.ours.reader().await.unwrap(), CONSUMER).await.unwrap();
        assert_eq!(last.unwrap().differences, report.differences);
        world.service.stop().await;
    }

    async fn an_event_on_its_way_is_no_drift(db: TestDb) {
        let world = World::with(&db, 3).await;
        // Published, and not applied within the patience: nothing is counted, nothing is repaired.
        let on_its_way = changed(&world.theirs, &world.outbox, world.ids[0]).await;
        world.service.published(4).await;
        let report = world.reconciler().compare(true).await.unwrap();
        assert!(!report.caught_up && report.drift.is_empty() && report.repaired.is_empty(), "{report:?}");
        assert!(world.versions().await.contains(&(world.ids[0], on_its_way - 1)));

        // Applied between the two looks.
        let mut reconciler = world.reconciler_with(None, Duration::from_millis(400));
        reconciler.options.patience = Duration::from_secs(20);
        let (report, ()) = tokio::join!(reconciler.compare(true), world.deliver());
        let report = report.unwrap();
        assert!(report.caught_up && report.drift.is_empty() && report.repaired.is_empty(), "{report:?}");

        // Not published yet.
        let (unsent, held_until) = (new_id(), world.outbox.clock().now() + Duration::from_secs(50));
        let mut tx = world.theirs.begin("test").await.unwrap();
        put(&mut tx, unsent, 1).await;
        world.outbox.append(&mut tx, "thing", unsent, 1, &data(unsent, 1)).await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox SET attempts = 1, next_attempt_at = $1 WHERE aggregate_id = $2")
            .bind(held_until).bind(unsent).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
        let report = world.reconciler().compare(true).await.unwrap();
        assert!(report.caught_up && report.drift.is_empty() && report.repaired.is_empty(), "{report:?}");
        world.service.stop().await;
    }

    async fn a_state_that_cannot_be_applied_is_left_and_the_others_are_repaired(db: TestDb) {
        let world = World::with(&db, 3).await;
        world.ours("DELETE FROM things").await;
        let reconciler = world.reconciler_with(Some(world.ids[1]), Duration::ZERO);
        let report = reconciler.compare(true).await.unwrap();
        assert_eq!(report.repaired, [(Kind::Missing, 2)].into());
        assert_eq!(report.left(Kind::Missing), 1);
        world.service.stop().await;
    }

    async fn two_replicas_that_repair_at_once_do_no_harm(db: TestDb) {
        let world = World::with(&db, 40).await;
        let before = world.versions().await;
        world.ours("DELETE FROM things").await;
        let (one, two) = (world.reconciler(), world.reconciler());
        let (one, two) = tokio::join!(one.compare(true), two.compare(true));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.drift.is_empty() && two.drift.is_empty(), "{one:?} {two:?}");
        assert_eq!(world.versions().await, before);
        world.service.stop().await;
    }

    async fn replicas_take_turns(db: TestDb) {
        let world = World::with(&db, 1).await;
        let (one, two, rest) = (world.reconciler(), world.reconciler(), Duration::from_secs(300));
        assert!(one.scheduled(rest).await.unwrap().is_some());
        assert!(two.scheduled(rest).await.unwrap().is_none());
        world.service.stop().await;
    }

    async fn a_comparison_is_made_when_asked_for(db: TestDb) {
        let world = World::with(&db, 2).await;
        world.ours("DELETE FROM things").await;
        let (reconciler, shutdown) = (world.reconciler(), Shutdown::new());
        let handle = reconciler.handle.clone();
        shutdown.spawn("reconciler", reconciler.run(shutdown.clone()));
        let report = handle.ask(true).await.unwrap();
        assert_eq!(report.repaired, [(Kind::Missing, 2)].into());
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        world.service.stop().await;
    }

    async fn a_comparison_is_made_after_the_start_and_after_a_connection_to_a_broker(db: TestDb) {
        let world = World::with(&db, 2).await;
        world.ours("DELETE FROM things").await;
        let (mut reconciler, shutdown) = (world.reconciler(), Shutdown::new());
        reconciler.options.every = Some(Duration::from_secs(3600));
        let handle = reconciler.handle.clone();
        shutdown.spawn("reconciler", reconciler.run(shutdown.clone()));
        let repaired = async || (world.versions().await.len() == 2).then_some(());
        testkit::eventually("it is compared after the start", repaired).await;
        world.ours("DELETE FROM things").await;
        handle.consumer().connected();
        testkit::eventually("it is compared after a connection", repaired).await;
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        world.service.stop().await;
    }

    async fn many_are_compared_range_by_range(db: TestDb) {
        // Enough for three ranges; the snapshot's order and ours have to be the same for both engines.
        let world = World::with(&db, 0).await;
        let ids: Vec<Uuid> = (0..2500).map(|_| new_id()).collect();
        for side in [&world.theirs, &*world.ours] {
            let mut tx = side.begin("test").await.unwrap();
            for id in &ids {
                put(&mut tx, *id, 1).await;
            }
            tx.commit().await.unwrap();
        }
        world.ours("UPDATE things SET version = 0 WHERE id = (SELECT id FROM things ORDER BY id LIMIT 1 OFFSET 1500)").await;
        let digests = crate::reconcile::client::ReconcileClient(world.service.source()).digests(Uuid::nil()).await.unwrap();
        assert_eq!(digests.ranges.len(), 3);
        let report = world.reconciler().compare(true).await.unwrap();
        assert_eq!(report.compared, 2500);
        assert_eq!(report.repaired, [(Kind::Behind, 1)].into());
        world.service.stop().await;
    }
}

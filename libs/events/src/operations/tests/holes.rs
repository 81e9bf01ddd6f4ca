//! Numbers that no event ever had.

use super::*;

async fn by_hand_of(db: &Db, statement: &'static str, id: uuid::Uuid) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => sqlx::query(statement).bind(id).execute(c).await.map(drop).unwrap());
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &crate::testing::THINGS];

    async fn numbers_that_a_replica_of_the_earlier_release_leaves_out_beside_this_one_are_known_too(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Feed);
        let (ann, bob) = (new_id(), new_id());
        let sequences_hold = async || !desk.wrong().await.contains(&"sequences".to_owned());
        for id in [ann, bob] {
            for _ in 0..3 {
                changed(&db, &desk.outbox, id).await;
            }
        }
        by_hand(&db, "UPDATE outbox SET aggregate_type = 'account' WHERE sequence <> 2").await;
        by_hand(&db, "UPDATE outbox SET type = 'vestibule.session.ended.v1' WHERE sequence = 3").await;
        // Bob's event is lost long after the upgrade.
        by_hand_of(&db, "UPDATE outbox SET occurred_at = occurred_at + 691200000000 WHERE aggregate_id = $1", bob).await;
        by_hand_of(&db, "DELETE FROM outbox WHERE sequence = 2 AND aggregate_id = $1", ann).await;
        assert!(!sequences_hold().await);
        let now = desk.outbox.clock().now();
        crate::outbox::note_holes(&db, now).await.unwrap();
        assert!(!sequences_hold().await, "no earlier release has run on a database that is new");
        let earlier = match db.engine() {
            chassis::db::Engine::Sqlite => "UPDATE _migrations_events SET installed_on = datetime(installed_on, '-1 hour') WHERE version < 8",
            chassis::db::Engine::Postgres => "UPDATE _migrations_events SET installed_on = installed_on - interval '1 hour' WHERE version < 8",
        };
        by_hand(&db, earlier).await;
        for _ in 0..2 {
            crate::outbox::note_holes(&db, now).await.unwrap();
            assert!(sequences_hold().await);
        }
        by_hand_of(&db, "DELETE FROM outbox WHERE sequence = 2 AND aggregate_id = $1", bob).await;
        crate::outbox::note_holes(&db, now).await.unwrap();
        assert!(!sequences_hold().await, "what is lost after the upgrade is found");
    }
}
